// `npm run bench`: measures the gateway beside what it is compared with. Arguments go to bench/run.ts, or after
// "scale" or "nodes" to the script of that name.
import { join } from 'node:path';
import { handOver } from '../bin/hand-over.mjs';
import { build, install, pinnedNode, root } from './prepare.mjs';

const args = process.argv.slice(2);
const own = ['scale', 'nodes'].find((name) => name === args[0]);
const isChosen = args.includes('--only') || args.includes('--profile');

install();
build();
// Another gateway, which only some parts need.
if (own === undefined && (!isChosen || args.some((arg) => /inference|portkey/.test(arg))))
  install(join(root, 'bench', 'portkey'));
const [script, rest] = own === undefined ? ['run.ts', args] : [`${own}.ts`, args.slice(1)];
handOver(pinnedNode(), [join(root, 'bench', script), ...rest], { cwd: root, endsWithParent: true });
