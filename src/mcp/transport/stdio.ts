import { GatewayError } from '../../lib/errors.ts';
import { openChild, type ChildLines, type StdioTarget } from './child-lines.ts';
import { createMessagePipe } from './message-pipe.ts';
import type { Connection, ConnectionEvents } from './transport.ts';

/** A connection to a child process. */
export interface StdioConnection extends Connection, Pick<ChildLines, 'stderrTail'> {}

/** Starts a server and connects to its stdin and stdout. Resolves as soon as the process runs. */
export async function openStdio(
  target: StdioTarget,
  events: ConnectionEvents,
  signal: AbortSignal,
): Promise<StdioConnection> {
  if (signal.aborted) throw new GatewayError('call_cancelled', 'the connection was given up', { cause: signal.reason });
  const { command } = target;
  const pipe = createMessagePipe({ send: (line) => child.send(line), events, name: command });
  const child = await openChild(target, {
    onLine: pipe.receive,
    onEnd(reason) {
      pipe.fail(reason);
      events.onClose(reason);
    },
  });
  return {
    nextId: pipe.nextId,
    request: pipe.request,
    notify: pipe.notify,
    ready() {},
    stderrTail: child.stderrTail,
    async close() {
      const closed = child.stop();
      pipe.fail(new GatewayError('upstream_lost', `the connection to ${command} was closed`));
      await closed;
    },
  };
}
