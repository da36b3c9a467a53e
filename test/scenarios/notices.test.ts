import { describe, expect, test } from 'vitest';
import { ASKABLE } from '../kit/asked-clients.ts';
import { httpClient, startGateway } from '../kit/gateway.ts';
import { ALL_LISTS, listenLegacy, listenModern, SUBSCRIPTION } from '../kit/listeners.ts';
import { startLively } from '../kit/lively-scene.ts';
import { expectDone } from '../kit/scene.ts';
import { waitFor } from '../kit/wait.ts';
import { openStream } from '../kit/wire.ts';

const LISTS = ['tools', 'prompts', 'resources'] as const;
const timing = { listChangedDelayMs: 5, backOff: () => 20 };

describe.for(['legacy', 'modern'] as const)('a %s server', (era) => {
  test('that changes a list is heard by every client who listens to it, once, and by no other', async () => {
    await using host = await startLively(era);
    await using gateway = await startGateway({ timing });
    await gateway.createClient(httpClient(host.url));
    await using legacy = await listenLegacy(gateway);
    await using askable = await listenLegacy(gateway, ASKABLE);
    await using modern = await listenModern(gateway, ALL_LISTS);
    await using modernAskable = await listenModern(gateway, ALL_LISTS, { roots: {} });
    await using picky = await listenModern(gateway, { promptsListChanged: true });
    for (const list of LISTS) {
      host.state[list].add(list === 'resources' ? 'lively://new' : 'new');
      await host.announce(list);
      const method = `notifications/${list}/list_changed`;
      for (const { heard } of [legacy, askable, modern, modernAskable])
        await waitFor(() => heard(method).length > 0, `${list} to be heard`);
      if (list === 'prompts') await waitFor(() => picky.heard(method).length > 0, 'the picky one to hear');
    }
    for (const { stream } of [legacy, askable])
      expect(stream.messages.map(({ method }) => method)).toEqual(
        LISTS.map((list) => `notifications/${list}/list_changed`),
      );
    for (const { stream, id } of [modern, modernAskable, picky]) {
      const [first, ...rest] = stream.messages;
      expect(first?.method).toBe('notifications/subscriptions/acknowledged');
      expect(rest.map(({ method }) => method)).toEqual(
        LISTS.filter((list) => id !== picky.id || list === 'prompts').map(
          (list) => `notifications/${list}/list_changed`,
        ),
      );
      for (const { params } of stream.messages) expect(params?.['_meta']).toEqual({ [SUBSCRIPTION]: id });
    }
    expect(modern.stream.messages[0]?.params).toMatchObject({ notifications: ALL_LISTS });
    expect(picky.stream.messages[0]?.params).toMatchObject({ notifications: { promptsListChanged: true } });
  });

  test('that changes what nobody may see is not heard', async () => {
    await using host = await startLively(era);
    await using gateway = await startGateway({ timing });
    const id = await gateway.createClient(httpClient(host.url, { tools_to_execute: ['steps'] }));
    await using legacy = await listenLegacy(gateway);
    await using modern = await listenModern(gateway, ALL_LISTS);
    const lists = () => host.methods.filter((method) => method === 'tools/list').length;
    const before = lists();
    host.state.tools.add('hidden');
    await host.announce('tools');
    await waitFor(() => lists() > before, 'the new listing');
    // A change that is heard proves that the silent one was passed by.
    expectDone(await gateway.update(id, { tools_to_execute: ['steps', 'log'] }), 'edited');
    for (const { heard } of [legacy, modern]) {
      await waitFor(() => heard('notifications/tools/list_changed').length > 0, 'the notice');
      expect(heard('notifications/tools/list_changed')).toHaveLength(1);
    }
  });

  test('that comes back with other offers is heard', async () => {
    await using host = await startLively(era);
    await using gateway = await startGateway({ timing: { ...timing, healthIntervalMs: 30 } });
    await gateway.createClient(httpClient(host.url));
    await using legacy = await listenLegacy(gateway);
    await using modern = await listenModern(gateway, ALL_LISTS);
    host.state.prompts.add('new');
    await host.restart();
    const method = 'notifications/prompts/list_changed';
    for (const { heard } of [legacy, modern]) await waitFor(() => heard(method).length > 0, 'the notice');
    // Also what it says on its new connection is heard.
    host.state.prompts.delete('new');
    await waitFor(async () => {
      await host.announce('prompts');
      return legacy.heard(method).length > 1 && modern.heard(method).length > 1;
    }, 'the second notice');
  });
});

test('a standing request is acknowledged with what is granted alone, and ends with an empty result', async () => {
  await using gateway = await startGateway();
  await using some = await listenModern(gateway, {
    toolsListChanged: true,
    promptsListChanged: false,
    somethingElse: true,
  });
  await using none = await listenModern(gateway, {});
  for (const { stream } of [some, none]) await waitFor(() => stream.messages.length > 0, 'the acknowledgement');
  expect(some.stream.messages[0]?.params?.['notifications']).toEqual({ toolsListChanged: true });
  expect(none.stream.messages[0]?.params?.['notifications']).toEqual({});
  await gateway.close();
  for (const { stream, id } of [some, none]) {
    await waitFor(() => stream.ended, 'the end');
    const last = stream.messages.at(-1);
    expect(last?.id).toBe(id);
    const { _meta, ...result } = last?.result ?? {};
    expect(result).toEqual({ resultType: 'complete' });
    expect(_meta).toMatchObject({ [SUBSCRIPTION]: id });
  }
});

test.for([{}, { progressToken: 'p' }])(
  'a change that a call announces on its own stream (%j) concerns everybody',
  async (_meta) => {
    await using host = await startLively('legacy');
    await using gateway = await startGateway({ timing });
    await gateway.createClient(httpClient(host.url));
    await using caller = await listenLegacy(gateway);
    await using other = await listenLegacy(gateway);
    const { messages } = await caller.session.request('tools/call', { name: 'c1-change', _meta });
    for (const { heard } of [caller, other])
      await waitFor(() => heard('notifications/tools/list_changed').length === 1, 'the notice');
    expect(messages).toHaveLength(1);
    const { text } = await other.session.request('tools/list');
    expect(text).toContain('c1-changed');
  },
);

test('a client that reads its GET stream twice hears a change once', async () => {
  await using host = await startLively('legacy');
  await using gateway = await startGateway({ timing });
  await gateway.createClient(httpClient(host.url));
  await using first = await listenLegacy(gateway);
  await using second = await openStream(gateway, { headers: first.session.headers });
  host.state.tools.add('new');
  await host.announce('tools');
  await waitFor(() => first.stream.messages.length + second.messages.length > 0, 'the notice');
  host.state.prompts.add('new');
  await host.announce('prompts');
  await waitFor(() => first.stream.messages.length + second.messages.length > 1, 'the second notice');
  expect(first.stream.messages.length + second.messages.length).toBe(2);
});
