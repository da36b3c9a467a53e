import { GatewayError } from '../../lib/errors.ts';
import { scanArray, scanObject } from '../../lib/json-scan.ts';
import type { JsonObject, Reply } from '../../lib/json-rpc.ts';
import type { Listed, Offer } from '../../store/mcp-clients.ts';

/** Whoever can be asked for lists. */
interface Asked {
  readonly peer: { readonly capabilities: JsonObject };
  ask(method: string, params: JsonObject, signal: AbortSignal): Promise<Reply>;
}

export const EMPTY_OFFER: Offer = { tools: [], prompts: [], resources: [], resourceTemplates: [] };

/** One kind of list: the method, the member of the result that holds the items, and what an item is known by. */
const KINDS = {
  tools: { capability: 'tools', method: 'tools/list', key: 'name' },
  prompts: { capability: 'prompts', method: 'prompts/list', key: 'name' },
  resources: { capability: 'resources', method: 'resources/list', key: 'uri' },
  resourceTemplates: { capability: 'resources', method: 'resources/templates/list', key: 'uriTemplate' },
} as const;
type Kind = keyof typeof KINDS;

const MAX_PAGES = 1_000;

/** Lists everything a server offers. The tools must come; a server that lacks another list it promised has an empty one. */
export async function listOffer(server: Asked, signal: AbortSignal): Promise<Offer> {
  const optional = (kind: Kind): Promise<Listed[]> =>
    listAll(server, kind, signal).catch((error: unknown) => {
      if (signal.aborted || !(error instanceof GatewayError) || error.details?.upstream_error === undefined)
        throw error;
      return [];
    });
  const [tools, prompts, resources, resourceTemplates] = await Promise.all([
    listAll(server, 'tools', signal),
    optional('prompts'),
    optional('resources'),
    optional('resourceTemplates'),
  ]);
  return { tools, prompts, resources, resourceTemplates };
}

/** Tells whether two offers are the same to the byte. */
export function sameOffer(a: Offer, b: Offer): boolean {
  return (Object.keys(KINDS) as Kind[]).every(
    (kind) => a[kind].length === b[kind].length && a[kind].every(({ json }, index) => json === b[kind][index]?.json),
  );
}

/** An offer in which whatever is the same as before is the same object as before: what was made of that stays good. */
export function keepSame(offer: Offer, before: Offer): Offer {
  const keep = (kind: Kind): readonly Listed[] => {
    const former = new Map(before[kind].map((item) => [item.name, item]));
    const items = offer[kind].map((item) => {
      const known = former.get(item.name);
      return known?.json === item.json ? known : item;
    });
    const isSame = items.length === before[kind].length && items.every((item, index) => item === before[kind][index]);
    return isSame ? before[kind] : items;
  };
  return {
    tools: keep('tools'),
    prompts: keep('prompts'),
    resources: keep('resources'),
    resourceTemplates: keep('resourceTemplates'),
  };
}

async function listAll(server: Asked, kind: Kind, signal: AbortSignal): Promise<Listed[]> {
  const { capability, method } = KINDS[kind];
  if (server.peer.capabilities[capability] === undefined) return [];
  const items: Listed[] = [];
  const cursors = new Set<string>();
  for (let cursor: string | undefined; ;) {
    const reply = await server.ask(method, cursor === undefined ? {} : { cursor }, signal);
    cursor = readPage(reply.bytes, kind, items);
    if (cursor === undefined) return sortedOnce(items);
    if (cursors.has(cursor) || cursors.size >= MAX_PAGES)
      throw new GatewayError('upstream_bad_reply', `${method} never ends`);
    cursors.add(cursor);
  }
}

/** Adds the items of one page and gives the cursor of the next. */
function readPage(result: Buffer, kind: Kind, items: Listed[]): string | undefined {
  let cursor: unknown;
  let isFound = false;
  scanObject(result, (member, start, end) => {
    if (member === 'nextCursor') cursor = JSON.parse(result.toString('utf8', start, end));
    if (member !== kind) return;
    isFound = true;
    scanArray(result, (from, to) => items.push(readItem(result.toString('utf8', from, to), kind)), start);
  });
  if (!isFound) throw new GatewayError('upstream_bad_reply', `${KINDS[kind].method} answered without "${kind}"`);
  return typeof cursor === 'string' && cursor !== '' ? cursor : undefined;
}

function readItem(json: string, kind: Kind): Listed {
  const { key, method } = KINDS[kind];
  const name = (JSON.parse(json) as JsonObject)[key];
  if (typeof name !== 'string' || name === '') {
    throw new GatewayError('upstream_bad_reply', `${method} has an item without a ${key}`);
  }
  return Object.freeze({ name, json });
}

/** A server that lists a name twice gets the first one: callers could not tell them apart. */
function sortedOnce(items: readonly Listed[]): Listed[] {
  const byName = new Map<string, Listed>();
  for (const item of items) if (!byName.has(item.name)) byName.set(item.name, item);
  return [...byName.values()].toSorted((a, b) => (a.name < b.name ? -1 : 1));
}
