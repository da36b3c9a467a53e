import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['src/**/*.test.ts', 'test/**/*.test.ts', 'dashboard/**/*.test.ts'],
    globalSetup: './test/kit/postgres-server.ts',
    reporters: ['default', './test/kit/summary-reporter.ts'],
    pool: 'forks',
    maxWorkers: 2,
    // Node strips types with WebAssembly, here in several threads of a process: see NEVER_COMPILED in code-process.ts.
    execArgv: ['--wasm-wrapper-tiering-budget=2000000000'],
    // A busy machine can miss a moment; what passed only when repeated is named at the end.
    retry: process.env['CI'] === undefined ? 0 : 1,
    testTimeout: 90_000,
    hookTimeout: 120_000,
  },
});
