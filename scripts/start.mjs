// `npm start`: from a fresh checkout to a running gateway. `npm run dev` adds --watch: the sources run and reload.
import { join } from 'node:path';
import { handOver } from '../bin/hand-over.mjs';
import { build, install, pinnedNode, root } from './prepare.mjs';

const given = process.argv.slice(2);
const isWatching = given.includes('--watch');
const args = given.filter((argument) => argument !== '--watch');
const hasConfig = args.some((argument) => /^--config(=|$)/.test(argument)) || Boolean(process.env.ASBRU_CONFIG);
const config = hasConfig ? [] : ['--config', join(root, 'examples', 'quickstart.json')];

install();
if (!isWatching) build();
const program = isWatching ? ['--watch', join(root, 'src', 'main.ts')] : [join(root, 'dist', 'main.js')];
// From the repository, because the quickstart starts its example servers by paths relative to it.
handOver(pinnedNode(), [...program, 'start', ...config, ...args], { cwd: root, endsWithParent: true });
