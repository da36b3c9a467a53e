// Plain JavaScript that every Node from 20 on can read.
import { spawn } from 'node:child_process';

// npm passes a Ctrl-C on that the terminal has already sent us: both are one key press.
const SAME_KEY_PRESS = 200;

/**
 * Runs a program in our place: its exit code becomes ours, and each signal reaches it once. It gets a process group of its
 * own, so that the terminal's Ctrl-C comes through us alone, and an IPC channel, so that it notices when we are killed.
 * With `endsWithParent` it is also stopped when whoever started us goes away.
 */
export function handOver(command, args, { endsWithParent = false, ...options } = {}) {
  const child = spawn(command, args, {
    ...options,
    stdio: ['inherit', 'inherit', 'inherit', 'ipc'],
    detached: process.platform !== 'win32',
  });
  passSignals(child);
  if (endsWithParent) followParent(child);
  child.on('error', (error) => {
    process.stderr.write(`${command} cannot be run: ${error.message}\n`);
    process.exit(1);
  });
  child.on('exit', (code) => process.exit(code ?? 1));
}

function passSignals(child) {
  const seen = new Map();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGUSR2']) {
    process.on(signal, () => {
      const now = Date.now();
      if (now - (seen.get(signal) ?? 0) > SAME_KEY_PRESS) child.kill(signal === 'SIGHUP' ? 'SIGTERM' : signal);
      seen.set(signal, now);
    });
  }
}

/** npm runs scripts through a shell, which dies of a SIGTERM without telling us. */
function followParent(child) {
  const parent = process.ppid;
  const timer = setInterval(() => {
    if (process.ppid === parent) return;
    clearInterval(timer);
    child.kill('SIGTERM');
  }, 250);
  timer.unref();
}
