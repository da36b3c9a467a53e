import type { Operation } from './operations.ts';

/** Cells that are not tried, and why. What is not named applies to all. */
export interface Gap {
  readonly way?: string;
  readonly clients?: readonly string[];
  readonly servers?: readonly string[];
  readonly operations: readonly Operation[] | 'all';
  readonly why: string;
}

/** Which cell is meant. */
export interface Place {
  readonly way: string;
  readonly client: string;
  readonly server: string;
}

const MODERN = ['SDK v2 modern', 'Inspector modern', 'mcp-remote modern'];

/** Every `–` and every missing row of the table. */
export const GAPS: readonly Gap[] = [
  {
    way: 'direct',
    clients: MODERN,
    servers: ['everything HTTP', 'everything SSE'],
    operations: 'all',
    why: 'the client is pinned to 2026-07-28 and the server knows the older revisions only',
  },
  { way: 'gateway /sse', clients: MODERN, operations: 'all', why: 'the revision of 2026-07-28 has no HTTP+SSE' },
  {
    clients: ['Inspector', 'Inspector modern'],
    operations: ['elicitation', 'sampling', 'progress', 'cancel'],
    why: 'one command, one request, one result: nobody is there to answer, to watch or to cancel',
  },
  { clients: ['AI SDK'], operations: ['sampling'], why: 'it takes elicitation requests only' },
  { clients: ['AI SDK', 'OpenAI Agents'], operations: ['progress'], why: 'it never asks for progress' },
  {
    way: 'direct',
    clients: ['AI SDK'],
    servers: ['everything HTTP', 'everything SSE'],
    operations: ['cancel'],
    why: 'it stops waiting but tells a server of the older revisions nothing',
  },
  {
    way: 'gateway /sse',
    clients: ['AI SDK'],
    operations: ['cancel'],
    why: 'it stops waiting but tells a server of the older revisions nothing',
  },
  { clients: ['OpenAI Agents'], operations: ['prompt'], why: 'its servers have tools and resources only' },
  {
    clients: ['OpenAI Agents', 'LangChain'],
    operations: ['elicitation', 'sampling'],
    why: 'it declares no capabilities and takes no handlers',
  },
  {
    clients: ['mcp-remote modern'],
    operations: ['cancel'],
    why: 'it posts the notification of stdio, without the headers of HTTP, and leaves the stream of the call open',
  },
  {
    servers: ['filesystem stdio'],
    operations: ['resources'],
    why: 'the server has none',
  },
  {
    servers: ['filesystem stdio', 'memory stdio'],
    operations: ['prompt', 'elicitation', 'sampling', 'progress', 'cancel'],
    why: 'the server has no prompts, asks nothing and is done at once',
  },
];

/** Whether the two can be connected at all. */
export function canConnect(place: Place): boolean {
  return !GAPS.some((gap) => gap.operations === 'all' && applies(gap, place));
}

/** Whether there is something to try. */
export function canDo(operation: Operation, place: Place): boolean {
  return !GAPS.some((gap) => gap.operations !== 'all' && gap.operations.includes(operation) && applies(gap, place));
}

function applies({ way, clients, servers }: Gap, place: Place): boolean {
  if (way !== undefined && way !== place.way) return false;
  return (clients?.includes(place.client) ?? true) && (servers?.includes(place.server) ?? true);
}
