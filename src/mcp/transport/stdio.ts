import type { Writable } from 'node:stream';
import { GatewayError } from '../../lib/errors.ts';
import { scrubAll } from '../../lib/scrub.ts';
import { createLineSplitter } from '../../lib/split-lines.ts';
import { BASE_VARIABLES, startChild, superviseChild, type Child, type ChildOptions } from './child.ts';
import { createMessagePipe } from './message-pipe.ts';
import { signalGroup } from './process-group.ts';
import type { ProcessGuard } from './process-guard.ts';
import type { Connection, ConnectionEvents } from './transport.ts';

/** A server to be started as a child process, and what ends it should the gateway die. */
export interface StdioTarget extends ChildOptions {
  readonly guard: ProcessGuard;
}

/** A connection to a child process. */
export interface StdioConnection extends Connection {
  /** The last few kilobytes of what the server wrote for people: stderr, and lines on stdout that are no messages. */
  readonly stderrTail: () => string;
}

const MAX_MESSAGE = 64 * 1024 * 1024;
const MAX_TAIL = 4096;

/** Starts a server and connects to its stdin and stdout. Resolves as soon as the process runs. */
export async function openStdio(
  target: StdioTarget,
  events: ConnectionEvents,
  signal: AbortSignal,
): Promise<StdioConnection> {
  if (signal.aborted) throw new GatewayError('call_cancelled', 'the connection was given up', { cause: signal.reason });
  const child = await startChild(target, target.guard.family);
  target.guard.watch(child.pid);
  return connect(child, target, events);
}

function connect(child: Child, { command, env, guard }: StdioTarget, events: ConnectionEvents): StdioConnection {
  const tail = createTail();
  // Programs that miss something in their environment like to print all of it.
  const secrets = Object.entries(env).filter(([name]) => !BASE_VARIABLES.includes(name));
  const said = (): string =>
    scrubAll(
      tail.text(),
      secrets.map(([, value]) => value),
    );
  const writer = createLineWriter(child.stdin);
  const pipe = createMessagePipe({ send: writer.send, events, name: command });
  let isClosed = false;

  function lose(code: 'upstream_lost' | 'upstream_bad_reply', how: string): void {
    if (isClosed) return;
    isClosed = true;
    const wrote = said() === '' ? '' : `; it last wrote: ${said()}`;
    const reason = new GatewayError(code, `${command} ${how}${wrote}`);
    pipe.fail(reason);
    events.onClose(reason);
  }

  const splitter = createLineSplitter(MAX_MESSAGE, (line) => {
    if (!pipe.receive(line) && line.length > 0) tail.add(line, '\n');
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
    nextId: pipe.nextId,
    request: pipe.request,
    notify: pipe.notify,
    ready() {},
    stderrTail: said,
    async close() {
      isClosed = true;
      pipe.fail(new GatewayError('upstream_lost', `the connection to ${command} was closed`));
      writer.end();
      await supervision.stop();
    },
  };
}

interface LineWriter {
  readonly send: (line: string) => void;
  readonly end: () => void;
}

/** Writes the lines of one turn of the event loop at once: a system call costs more than the message. */
function createLineWriter(stdin: Writable): LineWriter {
  let queue = '';

  function flush(): void {
    if (queue !== '') stdin.write(queue);
    queue = '';
  }

  return {
    send(line) {
      if (stdin.writableLength > MAX_MESSAGE) {
        throw new GatewayError('upstream_unreachable', 'the server does not read its input any more');
      }
      if (queue === '') setImmediate(flush);
      queue += `${line}\n`;
    },
    end() {
      flush();
      stdin.end();
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
