import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { decide, echo, listApprovals, noticeIn, startApprovalScene, type ApprovalScene } from '../kit/approvals.ts';
import { ASKABLE, connectAsked, Refusal, type AskedClient, type ClientEra, type User } from '../kit/asked-clients.ts';
import { createLegacyAskingServer, createModernAskingServer } from '../kit/asking-server.ts';
import { httpClient } from '../kit/gateway.ts';
import { createKey } from '../kit/keys.ts';
import { serveLegacy } from '../kit/legacy-host.ts';
import { serveModern } from '../kit/modern-host.ts';
import { openSession, postModern } from '../kit/wire.ts';

type JsonObject = Record<string, unknown>;

let scene: ApprovalScene;
let guests = 0;

beforeAll(async () => {
  scene = await startApprovalScene('sqlite', { approval_by: 'caller' });
});
afterAll(() => scene[Symbol.asyncDispose]());

/** A client of a new key, with a user behind it. */
async function arrive(era: ClientEra, user: Omit<User, 'name'>) {
  const key = await createKey(scene.gateway, `guest ${++guests}`);
  const asked = await connectAsked(era, key, { name: key.name, ...user });
  const ran = scene.upstream.countCalls();
  return {
    key,
    asked,
    ran: () => scene.upstream.countCalls() - ran,
    call: (text: string) => callEcho(asked, text),
    approvals: () => listApprovals(scene.gateway, `principal=virtual-key:${key.id}`),
    [Symbol.asyncDispose]: () => asked[Symbol.asyncDispose](),
  };
}

/** The text of the result, or the code of the refusal. */
async function callEcho({ client }: AskedClient, text: string): Promise<string> {
  try {
    const { content } = (await client.callTool({ name: 'c1-echo', arguments: { text } })) as unknown as {
      content: { text: string }[];
    };
    return content[0]?.text ?? '';
  } catch (error) {
    return (error as { data?: { code?: string } }).data?.code ?? String(error);
  }
}

describe.each(['legacy', 'modern'] as const)('the user of a %s client', (era) => {
  test('is shown the tool and its arguments, says yes, and the call runs once', async () => {
    await using guest = await arrive(era, { answer: () => ({ action: 'accept', content: {} }) });
    expect(await guest.call('hi\u202e there')).toContain('hi');
    expect(guest.asked.heard).toHaveLength(1);
    const message = String(guest.asked.heard[0]?.params['message']);
    expect(message).toContain('"echo" of the server "c1"');
    // What turns text around is shown, not obeyed.
    expect(message).toContain('{"text":"hi\\u{202e} there"}');
    const [approval] = await guest.approvals();
    const principal = `virtual-key:${guest.key.id}`;
    expect(approval).toMatchObject({ status: 'used', decided_by: principal, decided_via: 'elicitation' });
    const { body } = await scene.gateway.api('GET', `/api/audit-logs?entity_id=${approval?.id}`);
    expect(body['audit_logs']).toMatchObject([{ action: 'approve', actor: principal, request: null }]);
    // The next call is another one.
    await guest.call('hi\u202e there');
    expect([guest.asked.heard.length, guest.ran()]).toEqual([2, 2]);
  });

  test('says no, and is not asked again', async () => {
    await using guest = await arrive(era, { answer: () => ({ action: 'decline' }) });
    expect([await guest.call('hi'), await guest.call('hi')]).toEqual(['approval_denied', 'approval_denied']);
    expect([guest.asked.heard.length, guest.ran()]).toEqual([1, 0]);
    expect(await guest.approvals()).toMatchObject([{ status: 'denied', decided_via: 'elicitation' }]);
  });

  test.for([
    ['closes the question', () => ({ action: 'cancel' })],
    [
      'cannot be reached',
      () => {
        throw new Refusal('not now');
      },
    ],
  ] as const)('%s, and the call goes on waiting for somebody else', async ([, answer]) => {
    await using guest = await arrive(era, { answer });
    const came = await guest.call('hi');
    // A modern SDK ends a call whose question its own user failed to answer, without coming back.
    if (came !== 'approval_required') expect([era, came]).toEqual(['modern', expect.stringContaining('not now')]);
    expect(guest.ran()).toBe(0);
    const [approval] = await guest.approvals();
    expect(approval?.status).toBe('pending');
    await decide(scene.gateway, approval ?? { id: '' }, 'approve');
    expect(await guest.call('hi')).toContain('hi');
    expect([guest.asked.heard.length, guest.ran()]).toEqual([1, 1]);
  });

  test('is not asked through a client that cannot ask, nor where only managers may approve', async () => {
    await using mute = await arrive(era, { capabilities: {} });
    expect(await mute.call('hi')).toBe('approval_required');
    await using guest = await arrive(era, {});
    await scene.update({ approval_by: 'manager' });
    expect(await guest.call('hi')).toBe('approval_required');
    await scene.update({ approval_by: 'caller' });
    expect([mute.ran(), guest.asked.heard]).toEqual([0, []]);
    // What is too long to be read in a dialog is for those who can look at all of it.
    expect(await guest.call('x'.repeat(9_000))).toBe('approval_required');
    expect(guest.asked.heard).toEqual([]);
  });

  test.for(['legacy', 'modern'] as const)(
    'is asked once for a call in which a %s server has a question of its own',
    async (server) => {
      const serve =
        server === 'legacy'
          ? serveLegacy(() => createLegacyAskingServer())
          : serveModern(() => createModernAskingServer());
      await using host = await serve;
      const name = `asks_${era}_${server}`;
      const settings = { name, tools_to_approve: ['rounds'], approval_by: 'caller', allow_on_all_virtual_keys: true };
      await scene.gateway.createClient(httpClient(host.url, settings));
      await using guest = await arrive(era, {});
      const before = host.methods.filter((method) => method === 'tools/call').length;
      expect(JSON.parse(await guest.asked.run('tools/call', 'rounds', { server: name }))).toHaveLength(3);
      const questions = guest.asked.heard.filter(({ params }) =>
        String(params['message']).startsWith('Allow the tool'),
      );
      expect(questions).toHaveLength(1);
      expect(await guest.approvals()).toMatchObject([{ status: 'used' }]);
      expect(host.methods.filter((method) => method === 'tools/call').length).toBeGreaterThan(before);
    },
  );
});

const capabilities = { elicitation: { form: {} } };
const call = { name: 'c1-echo', arguments: { text: 'by hand' } };
const yes = { 'asbru/approval': { action: 'accept', content: {} } };

test('an answer counts once, for the question that was asked, and only from who was asked', async () => {
  const { ada, bob } = scene;
  const ran = scene.upstream.countCalls();
  const send = async (key: typeof ada, more: JsonObject, params: JsonObject = call) =>
    (await postModern(key, 'tools/call', { ...params, ...more }, { capabilities })).reply;
  const asked = await send(ada, {});
  expect(asked.result).toMatchObject({ resultType: 'input_required' });
  const { requestState } = asked.result as { requestState: string };
  const refused = { code: -32602, message: expect.stringContaining('requestState') as string };
  expect((await send(ada, { inputResponses: yes })).error).toMatchObject(refused);
  expect((await send(bob, { inputResponses: yes, requestState })).error).toMatchObject(refused);
  const other = { name: 'c1-echo', arguments: { text: 'other' } };
  expect((await send(ada, { inputResponses: yes, requestState }, other)).error).toMatchObject(refused);
  expect((await send(ada, { requestState })).result).toMatchObject({ resultType: 'input_required' });
  expect(scene.upstream.countCalls()).toBe(ran);
  expect((await send(ada, { inputResponses: yes, requestState })).result).toMatchObject({ resultType: 'complete' });
  expect((await send(ada, { inputResponses: yes, requestState })).error).toMatchObject(refused);
  expect(scene.upstream.countCalls()).toBe(ran + 1);
});

test('a state that a client makes up, or that belongs to an older client, opens nothing', async () => {
  const { ada } = scene;
  const ran = scene.upstream.countCalls();
  const made = await postModern(ada, 'tools/call', { ...call, requestState: 'made up' });
  expect(made.reply.error?.data).toMatchObject({ code: 'approval_required' });
  const session = await openSession({ address: ada.address, apiKey: ada.value }, {}, {});
  const older = await session.request('tools/call', { ...call, requestState: 'made up', inputResponses: yes });
  expect(older.reply.error?.data).toMatchObject({ code: 'approval_required' });
  expect(scene.upstream.countCalls()).toBe(ran);
});

test('a no of who manages the gateway is not overruled by a yes that comes late', async () => {
  const text = 'too late';
  let say = (): void => {};
  const said = new Promise<void>((resolve) => (say = resolve));
  await using guest = await arrive('legacy', {
    capabilities: ASKABLE,
    answer: async () => {
      const pending = await listApprovals(scene.gateway, 'status=pending');
      const waiting = pending.find((each) => each.arguments?.includes(text));
      await decide(scene.gateway, waiting ?? { id: '' }, 'deny');
      say();
      return { action: 'accept', content: {} };
    },
  });
  expect(await guest.call(text)).toBe('approval_denied');
  await said;
  expect(guest.ran()).toBe(0);
});

test('a manager still approves what the user was never asked', async () => {
  const notice = noticeIn(await echo(scene.bob, 'without a dialog'));
  await decide(scene.gateway, notice, 'approve');
  expect((await echo(scene.bob, 'without a dialog')).reply.result).toBeDefined();
});
