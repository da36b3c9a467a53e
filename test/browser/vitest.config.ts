import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/browser/*.browser.ts'],
    reporters: ['default', './test/kit/summary-reporter.ts'],
    pool: 'forks',
    maxWorkers: 1,
    // A busy machine can miss a moment; what passed only when repeated is named at the end.
    retry: process.env['CI'] === undefined ? 0 : 1,
    testTimeout: 90_000,
    hookTimeout: 60_000,
  },
});
