// `npm run peers`: real MCP clients and servers with the gateway between them. Arguments go to test/peers/run.ts.
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { handOver } from '../bin/hand-over.mjs';
import { install, pinnedNode, root } from './prepare.mjs';

const peers = join(root, 'test', 'peers');

install();
install(peers);
// `npm run types` leaves this folder out, because its packages need not be there.
const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
const types = spawnSync(pinnedNode(), [tsc, '-p', peers], { cwd: root, stdio: 'inherit' });
if (types.status !== 0) process.exit(types.status ?? 1);
handOver(pinnedNode(), [join(peers, 'run.ts'), ...process.argv.slice(2)], { cwd: root, endsWithParent: true });
