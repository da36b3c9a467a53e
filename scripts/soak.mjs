// `npm run soak -- --minutes N`: whether the gateway gives back all that it takes. Arguments go to bench/soak.ts.
import { join } from 'node:path';
import { handOver } from '../bin/hand-over.mjs';
import { build, install, pinnedNode, root } from './prepare.mjs';

install();
build();
handOver(pinnedNode(), [join(root, 'bench', 'soak.ts'), ...process.argv.slice(2)], { cwd: root, endsWithParent: true });
