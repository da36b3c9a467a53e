// `npm run test:browser`: the dashboard in a real Chromium. With the same, `npm run screenshots` writes docs/screenshots, and
// `npm run dashboard:measure` prints what the dashboard weighs and how fluid it is with thousands of rows.
import { join } from 'node:path';
import { handOver } from '../bin/hand-over.mjs';
import { chromium } from './chromium.mjs';
import { build, install, pinnedNode, root } from './prepare.mjs';

const PROGRAMS = { '--screenshots': 'screenshots.ts', '--measure': 'measure.ts' };

const browser = join(root, 'test', 'browser');
const vitest = join(root, 'node_modules', 'vitest', 'vitest.mjs');
const [first = '', ...rest] = process.argv.slice(2);
const program = PROGRAMS[first];
install();
build();
process.env.CHROMIUM_PATH = chromium();
if (first === '--measure') await import('./dashboard-size.mjs');
const run =
  program === undefined
    ? [vitest, 'run', '--config', join(browser, 'vitest.config.ts'), ...process.argv.slice(2)]
    : [join(browser, program), ...rest];
handOver(pinnedNode(), run, { cwd: root, endsWithParent: true });
