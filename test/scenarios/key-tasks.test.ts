import { expect, test } from 'vitest';
import { httpClient, startGateway } from '../kit/gateway.ts';
import { createKey, updateKey } from '../kit/keys.ts';
import { listenLegacy } from '../kit/listeners.ts';
import { startTaskServer } from '../kit/task-server.ts';
import { waitFor } from '../kit/wait.ts';
import { openSession, postMcp, type LegacySession, type RpcAnswer } from '../kit/wire.ts';

const grant = (...names: string[]) => ({
  mcp_configs: names.map((mcp_client_name) => ({ mcp_client_name, tools_to_execute: ['*'] })),
});
const NO_TASK = 'params.taskId: there is no such task';

/** A gateway with a server of tasks, and two keys that may use it. */
async function startTaskScene() {
  const stack = new AsyncDisposableStack();
  const host = stack.use(await startTaskServer());
  const gateway = stack.use(await startGateway());
  const id = await gateway.createClient(httpClient(host.url));
  const [k1, k2] = [await createKey(gateway, 'k1', grant('c1')), await createKey(gateway, 'k2', grant('c1'))];
  return { host, gateway, id, k1, k2, [Symbol.asyncDispose]: () => stack.disposeAsync() };
}

async function beginTask(session: LegacySession): Promise<string> {
  const { reply, text } = await session.request('tools/call', { name: 'c1-job', task: { ttl: 60_000 } });
  const task = reply.result?.['task'] as { taskId: string } | undefined;
  if (task === undefined) throw new Error(text);
  return task.taskId;
}

async function listTasks(session: LegacySession): Promise<string[]> {
  const { reply, text } = await session.request('tasks/list');
  const tasks = reply.result?.['tasks'] as { taskId: string }[] | undefined;
  if (tasks === undefined) throw new Error(text);
  return tasks.map(({ taskId }) => taskId);
}

const use = (session: LegacySession, taskId: string): Promise<RpcAnswer[]> =>
  Promise.all(['tasks/get', 'tasks/result', 'tasks/cancel'].map((method) => session.request(method, { taskId })));
const refusals = (answers: readonly RpcAnswer[]) => answers.map(({ reply }) => reply.error?.message);

test('a task is its owner’s: nobody else lists it, gets it, or cancels it', async () => {
  await using scene = await startTaskScene();
  const [own, other] = [await openSession(scene.k1), await openSession(scene.k2)];
  const operator = await openSession(scene.gateway);
  const taskId = await beginTask(own);
  expect(scene.host.tasks.size).toBe(1);
  expect(taskId).not.toContain('job');
  for (const stranger of [other, operator]) {
    expect(await listTasks(stranger)).toEqual([]);
    expect(refusals(await use(stranger, taskId))).toEqual([NO_TASK, NO_TASK, NO_TASK]);
  }
  expect(await listTasks(own)).toEqual([taskId]);
  // Also after the others have looked, and with the server's own id.
  expect(await listTasks(other)).toEqual([]);
  expect(refusals(await use(own, 'job 1'))).toEqual([NO_TASK, NO_TASK, NO_TASK]);
  expect([...scene.host.tasks.values()]).toEqual(['working']);
  const [got, , cancelled] = await use(own, taskId);
  expect(got?.reply.result).toMatchObject({ taskId });
  expect(cancelled?.reply.result).toMatchObject({ taskId, status: 'cancelled' });
  expect([...scene.host.tasks.values()]).toEqual(['cancelled']);
});

test('a request without a session lists no task of a session', async () => {
  await using scene = await startTaskScene();
  const own = await openSession(scene.k1);
  await beginTask(own);
  const message = { jsonrpc: '2.0', id: 1, method: 'tasks/list' };
  for (const key of [scene.k1, scene.k2]) expect((await postMcp(key, message)).reply.result).toEqual({ tasks: [] });
});

const LOSSES: Readonly<Record<string, (scene: Awaited<ReturnType<typeof startTaskScene>>) => Promise<unknown>>> = {
  'its grant is taken away': ({ gateway, k1 }) => updateKey(gateway, k1, { mcp_configs: [] }),
  'its grant is emptied': ({ gateway, k1 }) =>
    updateKey(gateway, k1, { mcp_configs: [{ mcp_client_name: 'c1', tools_to_execute: [] }] }),
  'the server is disabled': ({ gateway, id }) => gateway.update(id, { disabled: true }),
  'the server is removed': ({ gateway, id }) => gateway.api('DELETE', `/api/mcp/client/${id}`),
};

test.for(Object.entries(LOSSES))('a key cannot use a task any more when %s', async ([, lose]) => {
  await using scene = await startTaskScene();
  await using listener = await listenLegacy(scene.k1);
  await using other = await listenLegacy(scene.k2);
  const { session } = listener;
  const taskId = await beginTask(session);
  await beginTask(other.session);
  const heard = ({ heard }: typeof listener) => heard('notifications/tasks/status').length;
  await scene.host.announce('job 1');
  await waitFor(() => heard(listener) === 1, 'the status');
  await lose(scene);
  const asked = scene.host.methods.length;
  expect(refusals(await use(session, taskId))).toEqual([NO_TASK, NO_TASK, NO_TASK]);
  expect(await listTasks(session)).toEqual([]);
  expect(scene.host.methods.slice(asked).filter((method) => method.startsWith('tasks/'))).toEqual([]);
  await scene.host.announce('job 1');
  if ((await scene.gateway.listClients()).some(({ state }) => state === 'connected')) {
    // What the other hears comes after what this one must not hear.
    await scene.host.announce('job 2');
    await waitFor(() => heard(other) === 1, 'the status of the other task');
  }
  expect(heard(listener)).toBe(1);
  expect([...scene.host.tasks.values()]).toEqual(['working', 'working']);
});

test('a request that leaves a server out leaves its tasks out', async () => {
  await using scene = await startTaskScene();
  const session = await openSession(scene.k1);
  const taskId = await beginTask(session);
  const headers = { ...session.headers, 'x-bf-mcp-include-clients': 'c2' };
  const narrowed = async (method: string, params = {}) =>
    (await postMcp(scene.k1, { jsonrpc: '2.0', id: 1, method, params }, { headers })).text;
  expect(await narrowed('tasks/get', { taskId })).toContain(NO_TASK);
  expect(await narrowed('tasks/list')).toContain('"tasks":[]');
  expect(await listTasks(session)).toEqual([taskId]);
});
