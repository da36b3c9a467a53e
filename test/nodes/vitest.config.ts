import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/scenarios/**/*.test.ts'],
    globalSetup: './test/kit/postgres-server.ts',
    setupFiles: './test/nodes/one-node-only.ts',
    reporters: ['default', './test/kit/summary-reporter.ts'],
    pool: 'forks',
    maxWorkers: 2,
    testTimeout: 120_000,
    hookTimeout: 120_000,
  },
});
