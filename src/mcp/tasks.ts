import { GatewayError } from '../lib/errors.ts';
import { replaceStrings, type JsonPath } from '../lib/json-replace.ts';
import type { JsonObject, JsonRpcNotification, Reply } from '../lib/json-rpc.ts';
import type { Sealer } from '../lib/seal.ts';
import type { Catalog } from './catalog.ts';
import type { ClientRequest } from './client-side.ts';
import type { Relay } from './relay/relay.ts';
import type { Upstream } from './upstream/upstream.ts';

/** A task of a server: which server's, under which id there, and whose it is. */
interface Task {
  readonly c: string;
  readonly t: string;
  readonly p: string;
  /** The node whose connection it began on, where there are several: some servers know it on no other. */
  readonly n?: string | undefined;
}

interface TasksDeps {
  /** Deterministic, so that a task has one id for as long as it lives. */
  readonly sealer: Sealer;
  readonly relay: Relay;
  readonly catalog: Pick<Catalog, 'view'>;
  /** The name of this process, if there may be others. */
  readonly node: string | undefined;
}

/** Long-running requests: the tasks of 2025-11-25 and of the extension `io.modelcontextprotocol/tasks` (SEP-2663). */
export interface Tasks {
  /** Puts our ids in the place of the server's, where a reply speaks of tasks. */
  wrap(reply: Reply, upstream: Upstream, request: ClientRequest): Reply;
  /** tasks/get, tasks/result, tasks/update and tasks/cancel. */
  handle(taskId: unknown, request: ClientRequest): Promise<Reply>;
  /** tasks/list of 2025-11-25: the caller's own tasks. */
  list(request: ClientRequest): Promise<Reply>;
  /** The name of the node on which a task began, where there are several. */
  homeOf(taskId: string): string | undefined;
  /** A status notice of a server, with our id, and for whom it is; undefined for a task that we did not see begin. */
  translate(
    upstream: Upstream,
    notification: JsonRpcNotification,
  ): { sessionKey: string; notification: JsonRpcNotification } | undefined;
}

/** Where the two generations of tasks put an id; anywhere else it is the tool's own data. */
const TASK_PLACES: readonly JsonPath[] = [
  ['taskId'],
  ['task', 'taskId'],
  ['tasks', '', 'taskId'],
  ['_meta', 'io.modelcontextprotocol/related-task', 'taskId'],
];
const MAX_KEPT = 10_000;

/**
 * A task id that a caller sees is sealed: it names the server, and it is good for its owner alone. Nothing has to be remembered
 * to serve it, on any node, before or after a restart. The owner must still see the server: a task is no way around a grant.
 */
export function createTasks({ sealer, relay, catalog, node }: TasksDeps): Tasks {
  /** Sealed id to the legacy session it began in, for status notices and lists. */
  const begun = new Map<string, string | undefined>();

  function seal(upstream: Upstream, own: string, principal: string): string {
    return sealer.seal({ c: upstream.client.client_id, t: own, p: principal, n: node } satisfies Task);
  }

  function open(taskId: unknown, { caller, audience }: ClientRequest): { upstream: Upstream; own: string } {
    const task = typeof taskId === 'string' ? (sealer.open(taskId) as Task | undefined) : undefined;
    const upstream =
      task?.p === caller.principal
        ? catalog.view(audience).upstreams.find(({ client }) => client.client_id === task.c)
        : undefined;
    if (task === undefined || upstream === undefined)
      throw new GatewayError('invalid_request', 'params.taskId: there is no such task');
    return { upstream, own: task.t };
  }

  function remember(id: string, sessionKey: string | undefined): void {
    if (begun.size >= MAX_KEPT) begun.delete(begun.keys().next().value ?? '');
    begun.set(id, sessionKey);
  }

  function wrap(reply: Reply, upstream: Upstream, { caller, side }: ClientRequest): Reply {
    // The end of a word is the quicker search in a text full of quotes.
    if (reply.kind === 'error' || !reply.bytes.includes('Id"') || !reply.bytes.includes('"taskId"')) return reply;
    const bytes = replaceStrings(reply.bytes, (path, own) => {
      if (!isTaskPlace(path)) return undefined;
      const id = seal(upstream, own, caller.principal);
      if (!begun.has(id)) remember(id, side.sessionKey);
      return id;
    });
    return { ...reply, bytes };
  }

  async function ask(upstream: Upstream, own: string, request: ClientRequest): Promise<Reply> {
    const target = { upstream, name: own, replace: { taskId: JSON.stringify(own) }, label: request.method };
    return wrap(await relay(target, request), upstream, request);
  }

  /** A shared session lists the tasks of all its callers; each sees those that began for it, and gets an id for no other. */
  async function listOwn(upstream: Upstream, request: ClientRequest): Promise<JsonObject[]> {
    const reply = await relay({ upstream, name: undefined, replace: {}, label: 'tasks/list' }, request);
    const { tasks = [] } =
      reply.kind === 'result' ? (JSON.parse(reply.bytes.toString()) as { tasks?: JsonObject[] }) : {};
    return tasks.flatMap((task) => {
      if (typeof task.taskId !== 'string') return [];
      const id = seal(upstream, task.taskId, request.caller.principal);
      const isOwn = begun.has(id) && begun.get(id) === request.side.sessionKey;
      return isOwn ? [{ ...task, taskId: id }] : [];
    });
  }

  return {
    wrap,
    handle(taskId, request) {
      const { upstream, own } = open(taskId, request);
      return ask(upstream, own, request);
    },
    homeOf: (taskId) => (sealer.open(taskId) as Task | undefined)?.n,
    async list(request) {
      const able = catalog
        .view(request.audience)
        .upstreams.filter(({ peer }) => (peer?.capabilities.tasks as JsonObject | undefined)?.list !== undefined);
      const lists = await Promise.all(able.map((upstream) => listOwn(upstream, request)));
      return {
        kind: 'result',
        isError: false,
        hasResultType: true,
        bytes: Buffer.from(JSON.stringify({ tasks: lists.flat() })),
      };
    },
    translate(upstream, { method, params = {} }) {
      const { taskId } = params;
      if (typeof taskId !== 'string') return undefined;
      for (const [id, sessionKey] of begun) {
        const task = sealer.open(id) as Task;
        if (task.c !== upstream.client.client_id || task.t !== taskId || sessionKey === undefined) continue;
        return { sessionKey, notification: { method, params: { ...params, taskId: id } } };
      }
      return undefined;
    },
  };
}

function isTaskPlace(path: JsonPath): boolean {
  return TASK_PLACES.some((place) => place.length === path.length && place.every((key, at) => key === path[at]));
}
