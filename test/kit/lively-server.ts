import { Server as LegacyServer } from '@modelcontextprotocol/sdk/server/index.js';
import { McpError, type Result } from '@modelcontextprotocol/sdk/types.js';
import {
  ProtocolError,
  Server as ModernServer,
  type LoggingLevel,
  type ServerCapabilities,
  type ServerContext,
} from '@modelcontextprotocol/server';

type JsonObject = Record<string, unknown>;

/** What the sessions of one lively server share: what it offers, and what became of its requests. */
export interface LivelyState {
  readonly tools: Set<string>;
  readonly prompts: Set<string>;
  readonly resources: Set<string>;
  /** Requests that run now. */
  running: number;
  /** Requests whose cancellation arrived, in order. */
  cancelled: number;
}

/** A fresh state with the tools that do something. */
export function createLivelyState(): LivelyState {
  return {
    tools: new Set(['hold', 'steps', 'log', 'change', 'report']),
    prompts: new Set(['hold']),
    resources: new Set(['lively://hold', 'lively://a', 'lively://b']),
    running: 0,
    cancelled: 0,
  };
}

const info = { name: 'lively', version: '1.0.0' };
const capabilities = {
  tools: { listChanged: true },
  prompts: { listChanged: true },
  resources: { listChanged: true, subscribe: true },
  logging: {},
};

/** What a request may do while it runs. */
interface Stage {
  readonly signal: AbortSignal;
  readonly token: string | number | undefined;
  notify(method: 'notifications/progress' | 'notifications/tools/list_changed', params: JsonObject): Promise<void>;
  log(level: LoggingLevel, data: unknown): Promise<void>;
}

/** Runs `hold`, `steps`, `log`, `change` or `report`. Gives the text of the result. */
async function play(state: LivelyState, what: string, args: JsonObject, stage: Stage): Promise<string> {
  const progress = async (step: number, total: number): Promise<void> => {
    const params = { progressToken: stage.token, progress: step, total, message: `step ${step}` };
    if (stage.token !== undefined) await stage.notify('notifications/progress', params);
  };
  switch (what) {
    case 'hold':
      await progress(1, 2);
      return await hold(state, stage.signal);
    case 'steps': {
      const count = Number(args['count']);
      for (let step = 1; step <= count; step += 1) await progress(step, count);
      return `${count} steps`;
    }
    case 'log':
      for (const level of args['levels'] as LoggingLevel[]) await stage.log(level, { said: args['words'], level });
      return 'logged';
    case 'change':
      state.tools.add('changed');
      await stage.notify('notifications/tools/list_changed', {});
      return 'changed';
    default:
      return JSON.stringify({ running: state.running, cancelled: state.cancelled });
  }
}

/** Waits until it is cancelled. */
async function hold(state: LivelyState, signal: AbortSignal): Promise<string> {
  state.running += 1;
  await new Promise<void>((resolve) =>
    signal.aborted ? resolve() : signal.addEventListener('abort', () => resolve()),
  );
  state.running -= 1;
  state.cancelled += 1;
  return 'too late';
}

function lists({ tools, prompts, resources }: LivelyState) {
  return {
    tools: [...tools].map((name) => ({ name, inputSchema: { type: 'object' as const } })),
    prompts: [...prompts].map((name) => ({ name })),
    resources: [...resources].map((uri) => ({ uri, name: uri })),
  };
}

/** An SDK server (v1) over the state. */
export function createLegacyLivelyServer(state: LivelyState): LegacyServer {
  const server = new LegacyServer(info, { capabilities });
  // The SDK filters by the level of the session only what it sends itself; this server filters nothing.
  server.removeRequestHandler('logging/setLevel');
  server.fallbackRequestHandler = async ({ method, params = {} }, extra): Promise<Result> => {
    const { tools, prompts, resources } = lists(state);
    const stage: Stage = {
      signal: extra.signal,
      token: params._meta?.progressToken,
      notify: (method, params) => extra.sendNotification({ method, params }),
      log: (level, data) => extra.sendNotification({ method: 'notifications/message', params: { level, data } }),
    };
    switch (method) {
      case 'tools/list':
        return { tools };
      case 'prompts/list':
        return { prompts };
      case 'resources/list':
        return { resources };
      case 'resources/templates/list':
        return { resourceTemplates: [] };
      case 'logging/setLevel':
      case 'resources/subscribe':
      case 'resources/unsubscribe':
        return {};
      case 'tools/call': {
        const text = await play(state, String(params['name']), (params['arguments'] ?? {}) as JsonObject, stage);
        return { content: [{ type: 'text', text }] };
      }
      case 'prompts/get':
        return { messages: [{ role: 'user', content: { type: 'text', text: await play(state, 'hold', {}, stage) } }] };
      case 'resources/read': {
        const uri = String(params['uri']);
        return { contents: [{ uri, text: uri.endsWith('hold') ? await play(state, 'hold', {}, stage) : uri }] };
      }
      default:
        throw new McpError(-32_601, `unknown method ${method}`);
    }
  };
  return server;
}

/** An SDK server (v2) over the state. */
export function createModernLivelyServer(state: LivelyState, able: ServerCapabilities = capabilities): ModernServer {
  const server = new ModernServer(info, { capabilities: able });
  server.setRequestHandler('tools/list', () => ({ tools: lists(state).tools }));
  server.setRequestHandler('prompts/list', () => ({ prompts: lists(state).prompts }));
  server.setRequestHandler('resources/list', () => ({ resources: lists(state).resources }));
  server.setRequestHandler('resources/templates/list', () => ({ resourceTemplates: [] }));
  const stageOf = ({ mcpReq }: ServerContext): Stage => ({
    signal: mcpReq.signal,
    token: mcpReq._meta?.progressToken,
    notify: (method, params) => mcpReq.notify({ method, params }),
    log: (level, data) => mcpReq.log(level, data),
  });
  server.setRequestHandler('tools/call', async ({ params }, context) => {
    if (!state.tools.has(params.name)) throw new ProtocolError(-32_602, `no tool ${params.name}`);
    const text = await play(state, params.name, params.arguments ?? {}, stageOf(context));
    return { content: [{ type: 'text', text }] };
  });
  server.setRequestHandler('prompts/get', async (_, context) => {
    const text = await play(state, 'hold', {}, stageOf(context));
    return { messages: [{ role: 'user', content: { type: 'text', text } }] };
  });
  server.setRequestHandler('resources/read', async ({ params: { uri } }, context) => ({
    contents: [{ uri, text: uri.endsWith('hold') ? await play(state, 'hold', {}, stageOf(context)) : uri }],
  }));
  return server;
}
