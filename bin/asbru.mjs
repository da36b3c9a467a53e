#!/usr/bin/env node
// Plain JavaScript that every Node from 20 on can read. The gateway itself needs Node 24.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const main = new URL('../dist/main.js', import.meta.url);

if (!existsSync(main)) {
  fail('asbru is not built: run "npm run build" first, or use "npm start".');
} else if (Number(process.versions.node.split('.')[0]) >= 24) {
  await import(main.href);
} else {
  const node = findPinnedNode();
  if (node === undefined) fail(`asbru needs Node 24 or newer, and this is Node ${process.versions.node}.`);
  else handOver(node);
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

/**
 * Runs the gateway on another Node. It gets a process group of its own, so that Ctrl-C reaches it through us alone and only
 * once; over the IPC channel it notices when we are gone, however we went.
 */
function handOver(node) {
  const child = spawn(node, [fileURLToPath(main), ...process.argv.slice(2)], {
    stdio: ['inherit', 'inherit', 'inherit', 'ipc'],
    detached: process.platform !== 'win32',
  });
  const seen = new Map();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
    process.on(signal, () => {
      const now = Date.now();
      // npm passes a Ctrl-C on that the terminal has already sent us.
      if (now - (seen.get(signal) ?? 0) > 200) child.kill(signal === 'SIGHUP' ? 'SIGTERM' : signal);
      seen.set(signal, now);
    });
  }
  child.on('error', (error) => fail(`asbru cannot run ${node}: ${error.message}`));
  child.on('exit', (code) => process.exit(code ?? 1));
}

function fail(sentence) {
  process.stderr.write(`${sentence}\n`);
  process.exitCode = 1;
}
