import tailwindcss from '@tailwindcss/vite';
import { defineConfig } from 'vite';

// Vite demands the default export.
export default defineConfig({
  root: import.meta.dirname,
  plugins: [tailwindcss()],
  build: {
    outDir: '../dist/dashboard',
    emptyOutDir: true,
    // Everything is a file of its own: the policy of index.html lets no data: URL run.
    assetsInlineLimit: 0,
    // Its helper would be one more inline script; browsers that need it have no `dialog` either.
    modulePreload: { polyfill: false },
    rolldownOptions: {
      // Packages mark what runs in a browser; here everything does.
      onLog: (level, log, handle) => log.code !== 'MODULE_LEVEL_DIRECTIVE' && handle(level, log),
    },
  },
  // `npm run dev:dashboard` beside a running gateway.
  server: {
    proxy: Object.fromEntries(
      ['/api', '/v1', '/mcp', '/health'].map((path) => [path, { target: 'http://localhost:8080', changeOrigin: true }]),
    ),
  },
});
