// `npm run nodes`: the suites through three nodes behind a balancer. Arguments go to test/nodes/run.ts.
import { join } from 'node:path';
import { handOver } from '../bin/hand-over.mjs';
import { install, pinnedNode, root } from './prepare.mjs';

install();
for (const suite of ['conformance', 'peers']) install(join(root, 'test', suite));
handOver(pinnedNode(), [join(root, 'test', 'nodes', 'run.ts'), ...process.argv.slice(2)], {
  cwd: root,
  endsWithParent: true,
});
