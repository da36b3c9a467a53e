import { beforeEach } from 'vitest';
import { ONE_NODE_ONLY } from './reasons.ts';

/** Skips what can only hold for a single node, with the reason. */
beforeEach(({ task, skip }) => {
  const file = task.file.name.replace(/^test\/scenarios\//, '').replace(/\.test\.ts$/, '');
  const found = ONE_NODE_ONLY.find((entry) => entry.file === file && entry.name.test(task.fullTestName ?? task.name));
  if (found !== undefined) skip(found.reason);
});
