import { setTimeout as sleep } from 'node:timers/promises';
import type { PeerSession } from './peer-client.ts';
import type { Record as Recording } from './recorder.ts';
import type { Call, Subject } from './peer-server.ts';

/** What an operation works with. */
export interface Row {
  readonly session: PeerSession;
  readonly subject: Subject;
  /** What stands before the names of tools and prompts on this way. */
  readonly prefix: string;
  /** Between the client and what it is connected to. */
  readonly front: Recording;
  /** Between the server and what is connected to it. */
  readonly back: Recording;
}

const TOLD_WITHIN_MS = 3000;
const GONE_WITHIN_MS = 3000;

/** Each resolves when it worked, and rejects with the reason when it did not. The order is that of the table. */
export const OPERATIONS = {
  async tools({ session, subject, prefix }: Row) {
    const names = await session.listTools();
    const missing = subject.tools.filter((name) => !names.includes(prefix + name));
    if (missing.length > 0) throw new Error(`missing ${missing.join(', ')} in a list of ${names.length} tools`);
  },

  call: (row: Row) => call(row, row.subject.call),

  async resources({ session, subject: { resource } }: Row) {
    const { uri, text } = demand(resource);
    const uris = await demand(session.listResources)();
    if (!uris.includes(uri)) throw new Error(`missing ${uri} in a list of ${uris.length} resources`);
    expectText(await demand(session.readResource)(uri), text);
  },

  async prompt({ session, subject: { prompt }, prefix }: Row) {
    const { name, args, text } = demand(prompt);
    const names = await demand(session.listPrompts)();
    if (!names.includes(prefix + name)) throw new Error(`missing ${prefix + name} in [${names.join(', ')}]`);
    expectText(await demand(session.getPrompt)(prefix + name, args), text);
  },

  elicitation: (row: Row) => call(row, demand(row.subject.elicitation)),

  sampling: (row: Row) => call(row, demand(row.subject.sampling)),

  async progress({ session, subject, prefix }: Row) {
    let heard = 0;
    const args = { duration: 0.3, steps: 3 };
    await session.callTool(prefix + demand(subject.work), args, { onProgress: () => void heard++ });
    // The last report and the result may cross.
    if (heard < 2) throw new Error(`heard of progress ${heard} times instead of 3`);
  },

  async cancel(row: Row) {
    const { session, subject, prefix, front, back } = row;
    const before = { front: front.lines().length, back: back.lines().length };
    const abort = new AbortController();
    const running = session.callTool(
      prefix + demand(subject.work),
      { duration: 8, steps: 2 },
      { signal: abort.signal },
    );
    const ended = running.then(
      (text) => `a result: ${text}`,
      () => 'rejected',
    );
    await until(() => isCallSeen(back.lines().slice(before.back)), 'the call to reach the server', TOLD_WITHIN_MS);
    abort.abort();
    const end = await Promise.race([ended, sleep(GONE_WITHIN_MS, 'nothing', { ref: false })]);
    if (end !== 'rejected') throw new Error(`after the cancel the client got ${end}`);
    await until(() => isCancelSeen(front.lines().slice(before.front)), 'the client to tell of it', TOLD_WITHIN_MS);
    await until(() => isCancelSeen(back.lines().slice(before.back)), 'the server to be told', TOLD_WITHIN_MS);
    await call(row, subject.call);
  },
} satisfies { [name: string]: (row: Row) => Promise<void> };

export type Operation = keyof typeof OPERATIONS;

async function call({ session, prefix }: Row, { tool, args, text }: Call): Promise<void> {
  expectText(await session.callTool(prefix + tool, args), text);
}

function expectText(given: string, expected: string): void {
  if (!given.includes(expected)) throw new Error(`"${expected}" is not in ${JSON.stringify(given.slice(0, 200))}`);
}

/** What cannot be absent here, because the cell would have been left out. */
function demand<T>(part: T | undefined): T {
  if (part === undefined) throw new Error('missing in servers.ts or in the client; cannot.ts may say why');
  return part;
}

function isCallSeen(lines: string[]): boolean {
  return lines.some((line) => line.startsWith('>') && line.includes('"tools/call"'));
}

/** A notification, or a call whose stream was closed, which is how 2026-07-28 cancels over HTTP. */
function isCancelSeen(lines: string[]): boolean {
  return lines.some(
    (line) =>
      (line.startsWith('>') && line.includes('"notifications/cancelled"')) ||
      (line.startsWith('x POST') && line.includes('mcp-method=tools/call')),
  );
}

async function until(condition: () => boolean, what: string, limit: number): Promise<void> {
  for (const end = performance.now() + limit; !condition(); await sleep(20)) {
    if (performance.now() > end) throw new Error(`waited in vain for ${what}`);
  }
}
