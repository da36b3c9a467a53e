import { defineConfig } from 'vitest/config';

/** Start their own nodes, or gateways that keep something in a folder: through a balancer they are what they are in `npm test`. */
const THE_SAME = [
  'backup',
  'crash',
  'equal-ids',
  'gateway-restart',
  'inbound-oauth-nodes',
  'nodes',
  'per-user-oauth-nodes',
  'released-versions',
  'shared-budgets',
  'shared-counters',
  'start-together',
  'stdio-once',
  'workers',
];

/** Puts faults into the modules of its process, in place of what they export; the class that nodes share budgets with cannot be replaced so. */
const IN_ONE_PROCESS = ['faults-in-calls'];

export default defineConfig({
  test: {
    include: ['test/scenarios/**/*.test.ts'],
    exclude: [...THE_SAME, ...IN_ONE_PROCESS].map((name) => `test/scenarios/${name}.test.ts`),
    globalSetup: './test/kit/postgres-server.ts',
    setupFiles: './test/nodes/one-node-only.ts',
    reporters: ['default', './test/kit/summary-reporter.ts'],
    pool: 'forks',
    maxWorkers: 2,
    testTimeout: 120_000,
    hookTimeout: 120_000,
  },
});
