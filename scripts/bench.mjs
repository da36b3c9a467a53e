// `npm run bench`: measures the gateway beside what it is compared with. Arguments go to bench/run.ts, or after "scale" to bench/scale.ts.
import { join } from 'node:path';
import { handOver } from '../bin/hand-over.mjs';
import { build, install, pinnedNode, root } from './prepare.mjs';

const args = process.argv.slice(2);
const isScale = args[0] === 'scale';
const isChosen = args.includes('--only') || args.includes('--profile');

install();
build();
// Another gateway, which only some parts need.
if (!isScale && (!isChosen || args.some((arg) => /inference|portkey/.test(arg))))
  install(join(root, 'bench', 'portkey'));
const [script, rest] = isScale ? ['scale.ts', args.slice(1)] : ['run.ts', args];
handOver(pinnedNode(), [join(root, 'bench', script), ...rest], { cwd: root, endsWithParent: true });
