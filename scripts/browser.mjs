// `npm run test:browser`: the dashboard in a real Chromium. `npm run screenshots` writes docs/screenshots with it instead.
import { join } from 'node:path';
import { handOver } from '../bin/hand-over.mjs';
import { chromium } from './chromium.mjs';
import { build, install, pinnedNode, root } from './prepare.mjs';

const given = process.argv.slice(2);
install();
build();
process.env.CHROMIUM_PATH = chromium();
const vitest = join(root, 'node_modules', 'vitest', 'vitest.mjs');
const browser = join(root, 'test', 'browser');
const program = given.includes('--screenshots')
  ? [join(browser, 'screenshots.ts'), ...given.filter((word) => word !== '--screenshots')]
  : [vitest, 'run', '--config', join(browser, 'vitest.config.ts'), ...given];
handOver(pinnedNode(), program, { cwd: root, endsWithParent: true });
