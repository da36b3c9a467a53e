// node tee.mjs LOG COMMAND ARGS…: runs a stdio server and copies every message that passes into a file.
import { spawn } from 'node:child_process';
import { appendFileSync } from 'node:fs';

const [log, command, ...args] = process.argv.slice(2);
const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'inherit'] });

copy(process.stdin, child.stdin, '>');
copy(child.stdout, process.stdout, '<');
child.on('exit', (code) => process.exit(code ?? 1));
process.on('SIGTERM', () => child.kill('SIGTERM'));

function copy(from, to, direction) {
  let rest = '';
  from.setEncoding('utf8');
  from.on('data', (text) => {
    to.write(text);
    const lines = (rest + text).split('\n');
    rest = lines.pop();
    appendFileSync(log, lines.map((line) => `${direction} ${line}\n`).join(''));
  });
  from.on('end', () => to.end());
}
