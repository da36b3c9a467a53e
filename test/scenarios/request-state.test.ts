import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startAskingScene, type AskingScene } from '../kit/asking-scene.ts';
import { answersOf, otherCaller, send, sendUntilAsked } from '../kit/by-hand.ts';
import { startGateway, httpClient } from '../kit/gateway.ts';
import { createModernAskingServer } from '../kit/asking-server.ts';
import { serveModern } from '../kit/modern-host.ts';
import { waitFor } from '../kit/wait.ts';

const form = { name: 'c1-form' };
const ACCEPTED = JSON.stringify([[{ action: 'accept', content: { name: 'ada' } }]]);

describe.for(['legacy http', 'modern http'] as const)('the requestState of a %s server', (server) => {
  let scene: AskingScene;
  beforeAll(async () => {
    scene = await startAskingScene(server);
  });
  afterAll(() => scene[Symbol.asyncDispose]());

  async function expectRefused(params: Record<string, unknown>, method = 'tools/call', endpoint = scene.gateway) {
    const { reply, text } = await send(endpoint, method, params);
    expect(reply.error, text).toMatchObject({ code: -32_602, message: expect.stringContaining('requestState') });
  }

  test('brings the answers back to the call that asked', async () => {
    const pending = await sendUntilAsked(scene.gateway, 'tools/call', form);
    const { reply } = await send(scene.gateway, 'tools/call', { ...form, ...answersOf(pending, 'ada') });
    expect(reply.result).toMatchObject({ resultType: 'complete', content: [{ type: 'text', text: ACCEPTED }] });
  });

  test('is refused when it was tampered with, and still good when it was not', async () => {
    const pending = await sendUntilAsked(scene.gateway, 'tools/call', form);
    const { requestState } = pending;
    const flipped = [0, 1, requestState.length >> 1, requestState.length - 1].map((at) => {
      const other = requestState[at] === 'A' ? 'B' : 'A';
      return requestState.slice(0, at) + other + requestState.slice(at + 1);
    });
    const forged = [...flipped, '', 'x', requestState.slice(0, -4), `${requestState}AAAA`, requestState + requestState];
    for (const state of forged)
      await expectRefused({ ...form, ...answersOf({ ...pending, requestState: state }, 'ada') });
    for (const state of [1, null, {}, [requestState]])
      await expectRefused({ ...form, inputResponses: {}, requestState: state });
    for (const inputResponses of [[], 'yes', 1, null]) {
      const { reply } = await send(scene.gateway, 'tools/call', { ...form, inputResponses, requestState });
      expect(reply.error).toMatchObject({ code: -32_602, message: expect.stringContaining('inputResponses') });
    }
    const { reply } = await send(scene.gateway, 'tools/call', { ...form, ...answersOf(pending, 'ada') });
    expect(reply.result).toMatchObject({ content: [{ text: ACCEPTED }] });
  });

  test('is good for one use', async () => {
    const pending = await sendUntilAsked(scene.gateway, 'tools/call', form);
    const retry = { ...form, ...answersOf(pending, 'ada') };
    const answers = await Promise.all([1, 2, 3].map(() => send(scene.gateway, 'tools/call', retry)));
    expect(answers.filter(({ reply }) => reply.result !== undefined)).toHaveLength(1);
    expect(answers.filter(({ reply }) => reply.error?.code === -32_602)).toHaveLength(2);
    await expectRefused(retry);
  });

  test('does not serve another principal', async () => {
    const pending = await sendUntilAsked(scene.gateway, 'tools/call', form);
    const other = await otherCaller(scene.gateway, `other of ${server}`);
    const retry = { ...form, ...answersOf(pending, 'ada') };
    const { reply } = await send(other, 'tools/call', retry);
    expect(reply.error).toMatchObject({ code: -32_602, message: expect.stringContaining('requestState') });
    expect((await send(scene.gateway, 'tools/call', retry)).reply.result).toMatchObject({
      content: [{ text: ACCEPTED }],
    });
  });

  test('does not serve another request', async () => {
    const pending = await sendUntilAsked(scene.gateway, 'tools/call', { ...form, arguments: { a: 1, b: [1.5, '2'] } });
    const answers = answersOf(pending, 'ada');
    await expectRefused({ ...form, ...answers }, 'prompts/get');
    await expectRefused({ uri: 'ask://form', ...answers }, 'resources/read');
    await expectRefused({ ...form, ...answers });
    await expectRefused({ name: 'c1-rounds', arguments: { a: 1, b: [1.5, '2'] }, ...answers });
    await expectRefused({ ...form, arguments: { a: 1, b: [1.5, 2] }, ...answers });
    await expectRefused({ ...form, arguments: { a: 1, b: [1.5, '2'], c: null }, ...answers });
    // The order of the params and the white space in them mean nothing.
    const same = await send(scene.gateway, 'tools/call', { arguments: { a: 1, b: [1.5, '2'] }, ...answers, ...form });
    expect(same.reply.result).toMatchObject({ content: [{ text: ACCEPTED }] });
  });

  test('many at once do not cross', async () => {
    const names = Array.from({ length: 20 }, (_, index) => `user-${index}`);
    const others = await Promise.all([0, 1, 2].map((index) => otherCaller(scene.gateway, `${server} ${index}`)));
    const endpoints = [scene.gateway, ...others];
    const said = await Promise.all(
      names.map(async (name, index) => {
        const endpoint = endpoints[index % endpoints.length] ?? scene.gateway;
        const rounds = { name: 'c1-rounds' };
        let params: Record<string, unknown> = rounds;
        for (let round = 0; round < 3; round += 1)
          params = { ...rounds, ...answersOf(await sendUntilAsked(endpoint, 'tools/call', params), name) };
        return (await send(endpoint, 'tools/call', params)).text;
      }),
    );
    for (const [index, name] of names.entries()) {
      expect(said[index]?.match(/user-\d+/g)?.every((found) => found === name)).toBe(true);
      expect(said[index]).toContain(name);
    }
  });
});

test('a question of a legacy server that is left unanswered is asked again', async () => {
  await using scene = await startAskingScene('legacy http');
  const several = { name: 'c1-several' };
  let pending = await sendUntilAsked(scene.gateway, 'tools/call', several);
  const { inputRequests } = pending;
  const useless = [
    {},
    { unknown: { action: 'accept' } },
    Object.fromEntries(Object.keys(inputRequests).map((key) => [key, 'yes'])),
  ];
  for (const inputResponses of useless) {
    const { requestState } = pending;
    pending = await sendUntilAsked(scene.gateway, 'tools/call', { ...several, requestState, inputResponses });
    expect(pending.inputRequests).toEqual(inputRequests);
  }
  const { reply } = await send(scene.gateway, 'tools/call', { ...several, ...answersOf(pending, 'ada') });
  expect(JSON.stringify(reply.result)).toContain('Hello from ada');
});

test('a state of one server is not taken to another that has the same tool', async () => {
  await using first = await serveModern(() => createModernAskingServer());
  await using second = await serveModern(() => createModernAskingServer());
  await using gateway = await startGateway();
  const id = await gateway.createClient(httpClient(first.url));
  const pending = await sendUntilAsked(gateway, 'tools/call', form);
  await gateway.update(id, { name: 'c2' });
  await gateway.createClient(httpClient(second.url));
  const { reply } = await send(gateway, 'tools/call', { ...form, ...answersOf(pending, 'ada') });
  expect(reply.error?.code).toBe(-32_602);
  expect(second.methods).not.toContain('tools/call');
});

test.for(['legacy http', 'modern http'] as const)('the time to answer a %s server runs out', async (server) => {
  await using scene = await startAskingScene(server, { timing: { answerMs: 40 } });
  const pending = await sendUntilAsked(scene.gateway, 'tools/call', form);
  const retry = { ...form, ...answersOf(pending, 'ada') };
  if (server === 'legacy http') {
    const isCancelled = () => scene.methods.includes('notifications/cancelled');
    await waitFor(isCancelled, 'the forgotten call to be cancelled at the server');
  } else {
    const born = performance.now();
    await waitFor(() => performance.now() - born > 60, 'the time to run out');
  }
  const { reply } = await send(scene.gateway, 'tools/call', retry);
  expect(reply.error).toMatchObject({ code: -32_602, message: expect.stringContaining('expired') });
  // What comes after is served as ever.
  const fresh = await sendUntilAsked(scene.gateway, 'tools/call', form);
  expect((await send(scene.gateway, 'tools/call', { ...form, ...answersOf(fresh, 'ada') })).status).toBe(200);
});
