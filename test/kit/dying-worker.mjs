import { parentPort } from 'node:worker_threads';

// A thread that answers `span` and dies of anything else.
parentPort.on('message', ({ id, method }) => {
  if (method === 'close') parentPort.postMessage({ id, result: undefined });
  else if (method === 'span') setTimeout(() => parentPort.postMessage({ id, result: 'alive' }), 50);
  else if (method === 'prune') throw new Error('out of order');
  else process.exit(1);
});
