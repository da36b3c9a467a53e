import { GatewayError } from '../../lib/errors.ts';
import { scrubAll } from '../../lib/scrub.ts';
import { createLineSplitter } from '../../lib/split-lines.ts';
import { BASE_VARIABLES, startChild, superviseChild, type Child, type ChildOptions } from './child.ts';
import { createLineWriter, MAX_MESSAGE, type LineWriter } from './line-writer.ts';
import { signalGroup } from './process-group.ts';
import type { ProcessGuard } from './process-guard.ts';

/** A server to be started as a child process, and what ends it should the gateway die. */
export interface StdioTarget extends ChildOptions {
  readonly guard: ProcessGuard;
}

/** Whoever takes what a child says. */
export interface ChildListener {
  /** Takes a line of its output. False when that is no message: it is kept with what the child writes for people. */
  onLine(line: Buffer): boolean;
  /** It came to an end that nobody asked for. Called at most once, and never after {@link ChildLines.stop}. */
  onEnd(reason: GatewayError): void;
}

/** A child process as lines in and lines out. */
export interface ChildLines {
  readonly send: LineWriter['send'];
  /** The last few kilobytes of what the server wrote for people: stderr, and lines on stdout that are no messages. */
  readonly stderrTail: () => string;
  /** Ends its input, and then the child if need be. Safe to call twice. */
  stop(): Promise<void>;
}

const MAX_TAIL = 4096;

/** Starts a child. Resolves as soon as the process runs. */
export async function openChild(target: StdioTarget, listener: ChildListener): Promise<ChildLines> {
  const child = await startChild(target, target.guard.family);
  target.guard.watch(child.pid);
  return follow(child, target, listener);
}

function follow(child: Child, { command, env, guard }: StdioTarget, listener: ChildListener): ChildLines {
  const tail = createTail();
  // Programs that miss something in their environment like to print all of it.
  const secrets = Object.entries(env).filter(([name]) => !BASE_VARIABLES.includes(name));
  const said = (): string =>
    scrubAll(
      tail.text(),
      secrets.map(([, value]) => value),
    );
  const writer = createLineWriter(child.stdin);
  let isOver = false;

  function lose(code: 'upstream_lost' | 'upstream_bad_reply', how: string): void {
    if (isOver) return;
    isOver = true;
    const wrote = said() === '' ? '' : `; it last wrote: ${said()}`;
    listener.onEnd(new GatewayError(code, `${command} ${how}${wrote}`));
  }

  const splitter = createLineSplitter(MAX_MESSAGE, (line) => {
    if (!listener.onLine(line) && line.length > 0) tail.add(line, '\n');
  });
  child.stdout.on('data', (chunk: Buffer) => {
    if (splitter.push(chunk)) return;
    child.stdout.destroy();
    lose('upstream_bad_reply', `sent a message of more than ${MAX_MESSAGE >> 20} MiB`);
    signalGroup(child.pid, 'SIGKILL');
  });
  child.stderr.on('data', (chunk: Buffer) => tail.add(chunk));

  const supervision = superviseChild(child, (how) => lose('upstream_lost', how));
  void supervision.gone.then(() => guard.forget(child.pid));

  return {
    send: writer.send,
    stderrTail: said,
    async stop() {
      isOver = true;
      writer.end();
      await supervision.stop();
    },
  };
}

function createTail() {
  let bytes = Buffer.alloc(0);
  return {
    add(chunk: Buffer, end = ''): void {
      bytes = Buffer.concat([bytes, chunk.subarray(-MAX_TAIL), Buffer.from(end)]).subarray(-MAX_TAIL);
    },
    /** Without the rest of a character that was cut at the front. */
    text: (): string =>
      bytes
        .toString()
        .replace(/^\uFFFD+/, '')
        .trim(),
  };
}
