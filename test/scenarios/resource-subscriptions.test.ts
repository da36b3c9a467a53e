import { describe, expect, test } from 'vitest';
import { ASKABLE } from '../kit/asked-clients.ts';
import { httpClient, startGateway } from '../kit/gateway.ts';
import { listenLegacy, listenModern, SUBSCRIPTION, type Listener } from '../kit/listeners.ts';
import { createLivelyState, createModernLivelyServer } from '../kit/lively-server.ts';
import { startLively, type LivelyHost } from '../kit/lively-scene.ts';
import { serveModern } from '../kit/modern-host.ts';
import { waitFor } from '../kit/wait.ts';
import { postModern } from '../kit/wire.ts';

const timing = { listChangedDelayMs: 5, healthIntervalMs: 30, backOff: () => 20 };
const UPDATED = 'notifications/resources/updated';
const A = 'lively://a';
const B = 'lively://b';

const urisHeard = ({ heard }: Listener) => heard(UPDATED).map(({ params }) => params?.['uri']);
const count = ({ methods }: LivelyHost, method: string) => methods.filter((seen) => seen === method).length;

describe.for(['legacy', 'modern'] as const)('a resource of a %s server', (era) => {
  test('that changes is heard of by those who subscribed to it, once each', async () => {
    await using host = await startLively(era);
    await using gateway = await startGateway({ timing });
    await gateway.createClient(httpClient(host.url));
    await using first = await listenLegacy(gateway);
    await using second = await listenLegacy(gateway, ASKABLE);
    await using bystander = await listenLegacy(gateway);
    await using modern = await listenModern(gateway, { resourceSubscriptions: [A] });
    await using both = await listenModern(gateway, { resourceSubscriptions: [A, B] });
    for (const { session } of [first, second])
      expect((await session.request('resources/subscribe', { uri: A })).reply.result).toEqual({});
    await waitFor(async () => {
      await host.update(B);
      return urisHeard(both).length > 0;
    }, 'the subscription to take hold');
    await host.update(A);
    for (const listener of [first, second, modern])
      await waitFor(() => urisHeard(listener).length > 0, 'the change to be heard');
    await waitFor(() => urisHeard(both).includes(A), 'the change to be heard');
    for (const listener of [first, second, modern]) expect(urisHeard(listener)).toEqual([A]);
    expect(urisHeard(both).filter((uri) => uri === A)).toEqual([A]);
    expect(urisHeard(bystander)).toEqual([]);
    expect(modern.heard(UPDATED)[0]?.params?.['_meta']).toEqual({ [SUBSCRIPTION]: modern.id });
    expect(first.heard(UPDATED)[0]?.params).toEqual({ uri: A });
  });

  test('is still watched when the server comes back', async () => {
    await using host = await startLively(era);
    await using gateway = await startGateway({ timing });
    await gateway.createClient(httpClient(host.url));
    await using legacy = await listenLegacy(gateway);
    await legacy.session.request('resources/subscribe', { uri: A });
    await using modern = await listenModern(gateway, { resourceSubscriptions: [A] });
    const method = era === 'legacy' ? 'resources/subscribe' : 'subscriptions/listen';
    await waitFor(() => count(host, method) > 0, 'the first subscription');
    const before = count(host, method);
    await host.restart();
    await waitFor(() => count(host, method) > before, 'the subscription to come again');
    await waitFor(async () => {
      await host.update(A);
      return urisHeard(legacy).length > 0 && urisHeard(modern).length > 0;
    }, 'the change to be heard');
  });
});

test('one subscription at a legacy server serves all, until the last has left', async () => {
  await using host = await startLively('legacy');
  await using gateway = await startGateway({ timing });
  await gateway.createClient(httpClient(host.url));
  const listeners = await Promise.all([1, 2, 3].map(() => listenLegacy(gateway)));
  const modern = await listenModern(gateway, { resourceSubscriptions: [A] });
  await Promise.all(listeners.map(({ session }) => session.request('resources/subscribe', { uri: A })));
  await listeners[0]?.session.request('resources/subscribe', { uri: A });
  expect(count(host, 'resources/subscribe')).toBe(1);
  // One leaves politely, one ends its session, the modern one hangs up; the last one still hears.
  const [polite, ended, last] = listeners;
  if (polite === undefined || ended === undefined || last === undefined) throw new Error('three listen');
  await polite.session.request('resources/unsubscribe', { uri: A });
  const headers = { ...ended.session.headers, authorization: `Bearer ${gateway.apiKey}` };
  await fetch(`${gateway.address}/mcp`, { method: 'DELETE', headers });
  await modern[Symbol.asyncDispose]();
  await host.update(A);
  await waitFor(() => urisHeard(last).length === 1, 'the last to hear');
  expect(urisHeard(polite)).toEqual([]);
  expect(count(host, 'resources/unsubscribe')).toBe(0);
  await last.session.request('resources/unsubscribe', { uri: A });
  await waitFor(() => count(host, 'resources/unsubscribe') === 1, 'the server to be left');
  expect(count(host, 'resources/subscribe')).toBe(1);
  for (const listener of listeners) await listener[Symbol.asyncDispose]();
});

test('a modern server is listened to once, and no longer than somebody listens', async () => {
  const state = createLivelyState();
  const able = { tools: {}, prompts: {}, resources: { subscribe: true }, logging: {} };
  await using host = await serveModern(() => createModernLivelyServer(state, able));
  await using gateway = await startGateway({ timing });
  await gateway.createClient(httpClient(host.url));
  await using legacy = await listenLegacy(gateway);
  expect(host.methods).not.toContain('subscriptions/listen');
  await legacy.session.request('resources/subscribe', { uri: A });
  await waitFor(() => host.methods.includes('subscriptions/listen'), 'the server to be listened to');
  await legacy.session.request('resources/unsubscribe', { uri: A });
  await waitFor(() => host.abandoned > 0, 'the stream to be closed');
  // The gateway has time for others, and the subscription can begin anew.
  expect((await postModern(gateway, 'tools/list')).status).toBe(200);
  await legacy.session.request('resources/subscribe', { uri: A });
  await waitFor(() => {
    host.notify.resourceUpdated(A);
    return urisHeard(legacy).length > 0;
  }, 'the change to be heard');
});

test('what cannot be subscribed to is refused or leads nowhere, and never hangs', async () => {
  await using host = await startLively('legacy');
  await using gateway = await startGateway({ timing });
  await gateway.createClient(httpClient(host.url));
  await using legacy = await listenLegacy(gateway);
  for (const params of [{}, { uri: '' }, { uri: 1 }]) {
    expect((await legacy.session.request('resources/subscribe', params)).reply.error?.code).toBe(-32_602);
    expect((await legacy.session.request('resources/unsubscribe', params)).reply.error?.code).toBe(-32_602);
  }
  expect((await legacy.session.request('resources/unsubscribe', { uri: A })).reply.result).toEqual({});
  expect(count(host, 'resources/subscribe')).toBe(0);
});
