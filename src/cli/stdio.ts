import { setTimeout as sleep } from 'node:timers/promises';
import { messageOf } from '../lib/errors.ts';
import { skipSpace } from '../lib/json-scan.ts';
import { createLineSplitter } from '../lib/split-lines.ts';
import { createBridge, type Bridge } from './bridge/bridge.ts';
import type { Target } from './bridge/link.ts';
import { createOutput, type Output } from './bridge/output.ts';
import { resolveTarget, type StdioFlags } from './stdio-target.ts';

/** More than this and the client must wait: its messages stay in the pipe. */
const MAX_IN_FLIGHT = 256;
const MAX_LINE_BYTES = 64 * 1024 * 1024;
/** What each step of an orderly end may take: the last answers, the goodbye to the gateway, the last bytes to the client. */
const STEP_MS = 1_000;
const SAME_SENTENCE_MS = 10_000;
const NEWLINE = Buffer.from('\n');

/** `asbru stdio`: an MCP server on standard input and output that carries every message to the gateway and back. */
export function stdio(flags: StdioFlags): void {
  let target: Target;
  try {
    target = resolveTarget(flags, process.env);
  } catch (error) {
    process.stderr.write(`asbru stdio cannot start: ${messageOf(error)}\n`);
    process.exit(1);
  }
  run(target);
}

function run(target: Target): void {
  const { stdin, stdout } = process;
  const report = createReport();
  const output = createOutput(stdout);
  const bridge = createBridge({ target, output, report, onSettled: takeOn });
  /** Lines of the last chunk that had to wait. */
  const waiting: Buffer[] = [];
  const lines = createLineSplitter(MAX_LINE_BYTES, (line) => {
    if (skipSpace(line, 0) < line.length) waiting.push(line);
  });
  const stop = createStop(bridge, output);

  function takeOn(): void {
    while (waiting.length > 0 && bridge.inFlight < MAX_IN_FLIGHT && !output.isFull) {
      const line = waiting.shift();
      if (line !== undefined) bridge.receive(line);
    }
    if (waiting.length > 0) stdin.pause();
    else if (stdin.isPaused()) stdin.resume();
  }

  stdin.on('data', (chunk: Buffer) => {
    if (!lines.push(chunk)) {
      report('a message of the client is larger than 64 MiB; nothing after it can be read');
      return stop(1, false);
    }
    takeOn();
  });
  stdout.on('drain', takeOn);
  stdin.once('end', () => {
    lines.push(NEWLINE); // the last line may lack its end
    takeOn();
    stop(0, true);
  });
  stdin.once('error', () => stop(0, false));
  stdout.on('error', () => stop(0, false)); // nobody reads any more
  process.on('SIGINT', () => stop(0, false));
  process.on('SIGTERM', () => stop(0, false));
  // The launcher that handed over to us is gone.
  if (process.connected) process.once('disconnect', () => stop(0, false));
}

/**
 * Ends once, in good order. With `finishFirst`, answers that are on their way still get their chance; a signal cuts that
 * short.
 */
function createStop(bridge: Bridge, output: Output): (code: number, finishFirst: boolean) => void {
  const { promise: hurried, resolve: hurry } = Promise.withResolvers<void>();
  let isStopping = false;

  async function end(code: number): Promise<void> {
    await Promise.race([bridge.finish(), hurried, sleep(STEP_MS)]);
    await Promise.race([bridge.close(), sleep(STEP_MS)]).catch(() => undefined);
    await Promise.race([output.flush(), sleep(STEP_MS)]);
    process.exit(code);
  }

  return (code, finishFirst) => {
    if (!finishFirst) hurry();
    if (isStopping) return;
    isStopping = true;
    process.stdin.pause();
    void end(code);
  };
}

/** Standard error, one sentence a line. A sentence that is said over and over is said once in a while. */
function createReport(): (sentence: string) => void {
  let last = { sentence: '', at: 0 };
  return (sentence) => {
    const now = Date.now();
    if (sentence === last.sentence && now - last.at < SAME_SENTENCE_MS) return;
    last = { sentence, at: now };
    process.stderr.write(`asbru stdio: ${sentence.replaceAll(/\s+/g, ' ')}\n`);
  };
}
