// `npm test`: the tests on the pinned Node. Arguments go to vitest: `npm test -- src/http`.
import { join } from 'node:path';
import { handOver } from '../bin/hand-over.mjs';
import { install, pinnedNode, root } from './prepare.mjs';

install();
const vitest = join(root, 'node_modules', 'vitest', 'vitest.mjs');
handOver(pinnedNode(), [vitest, 'run', ...process.argv.slice(2)], { cwd: root, endsWithParent: true });
