// `npm run faults`: what the gateway does when servers, clients, its database or a node fail. Arguments go to test/faults/run.ts.
import { join } from 'node:path';
import { handOver } from '../bin/hand-over.mjs';
import { install, pinnedNode, root } from './prepare.mjs';

install();
handOver(pinnedNode(), [join(root, 'test', 'faults', 'run.ts'), ...process.argv.slice(2)], {
  cwd: root,
  endsWithParent: true,
});
