import { Server } from '@modelcontextprotocol/sdk/server/index.js';
import { McpError, type Result } from '@modelcontextprotocol/sdk/types.js';
import { serveLegacy, type LegacyHost } from './legacy-host.ts';

/** A legacy server whose one tool, "job", only ever begins tasks, which all its sessions share. */
export interface TaskHost extends LegacyHost {
  /** The server's own ids of its tasks, with how they are. */
  readonly tasks: ReadonlyMap<string, 'working' | 'cancelled'>;
  /** Says how a task is, to every session. */
  announce(taskId: string): Promise<void>;
}

/** Starts a server of tasks (2025-11-25) on a free port. */
export async function startTaskServer(): Promise<TaskHost> {
  const tasks = new Map<string, 'working' | 'cancelled'>();
  const times = { createdAt: '2026-01-01T00:00:00Z', lastUpdatedAt: '2026-01-01T00:00:00Z', ttl: null };
  const show = (taskId: string) => ({ taskId, status: tasks.get(taskId), ...times });
  const demand = (id: unknown): string => {
    if (typeof id === 'string' && tasks.has(id)) return id;
    throw new McpError(-32_602, 'no such task');
  };

  function answer(method: string, params: Record<string, unknown>): Result {
    switch (method) {
      case 'tools/list':
        return { tools: [{ name: 'job', inputSchema: { type: 'object' }, execution: { taskSupport: 'optional' } }] };
      case 'tools/call': {
        const id = `job ${tasks.size + 1}`;
        tasks.set(id, 'working');
        return { task: show(id) };
      }
      case 'tasks/list':
        return { tasks: [...tasks.keys()].map(show) };
      case 'tasks/get':
        return show(demand(params['taskId']));
      case 'tasks/result':
        return { content: [{ type: 'text', text: `the result of ${demand(params['taskId'])}` }] };
      case 'tasks/cancel':
        tasks.set(demand(params['taskId']), 'cancelled');
        return show(demand(params['taskId']));
      default:
        throw new McpError(-32_601, `unknown method ${method}`);
    }
  }

  const host = await serveLegacy(() => {
    const capabilities = { tools: {}, tasks: { list: {}, cancel: {}, requests: { tools: { call: {} } } } };
    const server = new Server({ name: 'tasks', version: '1.0.0' }, { capabilities });
    server.fallbackRequestHandler = async ({ method, params = {} }) => answer(method, params);
    return server;
  });
  return Object.assign(host, {
    tasks,
    async announce(taskId: string) {
      const notice = { method: 'notifications/tasks/status', params: show(taskId) };
      await Promise.allSettled(host.servers.map((server) => server.notification(notice)));
    },
  });
}
