import { setTimeout as sleep } from 'node:timers/promises';
import { canDo } from './cannot.ts';
import { OPERATIONS, type Operation, type Row } from './operations.ts';
import type { PeerClient, PeerSession } from './peer-client.ts';
import type { Peer } from './peer-server.ts';
import { recordHttp, type Record as Recording } from './recorder.ts';

/** How a client comes to a server. */
export interface Way {
  readonly name: string;
  readonly url: string;
  readonly transport: 'http' | 'sse';
  readonly headers: Record<string, string>;
  readonly prefix: string;
  /** What passes at the server, where that is not what passes at the client. */
  readonly back?: Recording;
}

export type Cell =
  | { readonly kind: 'passed' }
  | { readonly kind: 'absent' }
  | { readonly kind: 'failed'; readonly reason: string; readonly front: string[]; readonly back: string[] };

/** One line of the table. */
export interface RowResult {
  readonly client: string;
  readonly server: string;
  readonly way: string;
  /** The protocol revision that the client sent last. */
  readonly revision: string;
  readonly cells: { readonly [operation in Operation]: Cell };
}

interface Task {
  readonly client: string;
  readonly open: PeerClient['open'];
  readonly peer: Peer;
  readonly way: Way;
}

const LIMIT_MS = 10_000;

/** Connects one client to one server and tries every operation that both can do. */
export async function runRow({ client, open, peer, way }: Task): Promise<RowResult> {
  await using front = await recordHttp(way.url);
  const back = way.back ?? front;
  const place = { way: way.name, client, server: peer.name };
  const { transport, headers, prefix } = way;
  const opened = await attempt(() => open({ url: front.url, transport, headers }), { front, back });
  const cells: Partial<Record<Operation, Cell>> = {};
  for (const operation of Object.keys(OPERATIONS) as Operation[]) {
    if (!canDo(operation, place)) cells[operation] = { kind: 'absent' };
    else if ('failure' in opened) cells[operation] = { ...opened.failure, reason: `connect: ${opened.failure.reason}` };
    else
      cells[operation] = await tryOperation(operation, `${way.name}: ${client} × ${peer.name}`, {
        session: opened.value,
        subject: peer.subject,
        prefix,
        front,
        back,
      });
  }
  if ('value' in opened) await closeSession(opened.value);
  return { ...place, revision: revisionIn(front.lines()), cells: cells as RowResult['cells'] };
}

async function tryOperation(operation: Operation, where: string, row: Row): Promise<Cell> {
  const first = await attempt(() => OPERATIONS[operation](row), row);
  if (!('failure' in first)) return { kind: 'passed' };
  // Some clients drop what comes in one piece with something else, as it may on a busy machine.
  console.log(`tried again: ${where}: ${operation}: ${first.failure.reason}`);
  const second = await attempt(() => OPERATIONS[operation](row), row);
  return 'failure' in second ? second.failure : { kind: 'passed' };
}

type Failure = Cell & { kind: 'failed' };

async function attempt<T>(
  action: () => Promise<T>,
  { front, back }: { front: Recording; back: Recording },
): Promise<{ value: T } | { failure: Failure }> {
  const [frontBefore, backBefore] = [front.lines().length, back.lines().length];
  try {
    const late = sleep(LIMIT_MS, undefined, { ref: false }).then(() => {
      throw new Error(`nothing in ${LIMIT_MS / 1000} s`);
    });
    return { value: await Promise.race([action(), late]) };
  } catch (error) {
    const reason = (error instanceof Error ? error.message : String(error)).replaceAll(/\s+/g, ' ').slice(0, 300);
    const lines = {
      front: front.lines().slice(frontBefore),
      back: back === front ? [] : back.lines().slice(backBefore),
    };
    return { failure: { kind: 'failed', reason, ...lines } };
  }
}

/** A client that cannot close must not hold up the others. */
async function closeSession(session: PeerSession): Promise<void> {
  try {
    await Promise.race([session.close(), sleep(3000, undefined, { ref: false })]);
  } catch {
    // How a client leaves is not what is looked at here.
  }
}

function revisionIn(lines: string[]): string {
  const sent = lines.filter((line) => line.startsWith('>')).toReversed();
  for (const line of sent) {
    const [, revision] = /mcp-protocol-version=(\S+)/.exec(line) ?? /"protocolVersion":"([^"]+)"/.exec(line) ?? [];
    if (revision !== undefined) return revision;
  }
  return '';
}
