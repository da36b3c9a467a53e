#!/usr/bin/env node
// Plain JavaScript that every Node from 20 on can read. The gateway itself needs Node 24.
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { handOver } from './hand-over.mjs';

const main = new URL('../dist/main.js', import.meta.url);

if (!existsSync(main)) {
  fail('asbru is not built: run "npm run build" first, or use "npm start".');
} else if (Number(process.versions.node.split('.')[0]) >= 24) {
  await import(main.href);
} else {
  const node = findPinnedNode();
  if (node === undefined) fail(`asbru needs Node 24 or newer, and this is Node ${process.versions.node}.`);
  else handOver(node, [fileURLToPath(main), ...process.argv.slice(2)]);
}

/** The Node that the `node` package brought along, if it was installed. */
function findPinnedNode() {
  try {
    const folder = dirname(createRequire(import.meta.url).resolve('node/package.json'));
    const file = join(folder, 'bin', process.platform === 'win32' ? 'node.exe' : 'node');
    return existsSync(file) ? file : undefined;
  } catch {
    return undefined;
  }
}

function fail(sentence) {
  process.stderr.write(`${sentence}\n`);
  process.exitCode = 1;
}
