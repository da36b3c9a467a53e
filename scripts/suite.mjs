// `npm run peers`, `npm run llm-clients`: a suite in test/ with packages of its own. Further arguments go to its run.ts.
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { handOver } from '../bin/hand-over.mjs';
import { install, pinnedNode, root } from './prepare.mjs';

const [name, ...args] = process.argv.slice(2);
const suite = join(root, 'test', name);

install();
install(suite);
// `npm run types` leaves these folders out, because their packages need not be there.
const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
const types = spawnSync(pinnedNode(), [tsc, '-p', suite], { cwd: root, stdio: 'inherit' });
if (types.status !== 0) process.exit(types.status ?? 1);
handOver(pinnedNode(), [join(suite, 'run.ts'), ...args], { cwd: root, endsWithParent: true });
