// `npm run bench`: measures the gateway beside what it is compared with. Arguments go to bench/run.ts.
import { join } from 'node:path';
import { handOver } from '../bin/hand-over.mjs';
import { build, install, pinnedNode, root } from './prepare.mjs';

const args = process.argv.slice(2);
const isChosen = args.includes('--only') || args.includes('--profile');

install();
build();
// Another gateway, which only some parts need.
if (!isChosen || args.some((arg) => /inference|portkey/.test(arg))) install(join(root, 'bench', 'portkey'));
handOver(pinnedNode(), [join(root, 'bench', 'run.ts'), ...args], { cwd: root, endsWithParent: true });
