import { expect, test } from 'vitest';
import { httpClient, startGateway } from '../kit/gateway.ts';
import { expectDone } from '../kit/scene.ts';
import { startUpstream } from '../kit/upstream.ts';
import { openSession, postModern, type RpcAnswer } from '../kit/wire.ts';
import { waitFor } from '../kit/wait.ts';

const CALLS = 1000;
const UPDATES = 50;

test('a thousand calls in flight through fifty live changes, and not one fails', async () => {
  await using one = await startUpstream();
  await using two = await startUpstream();
  await using gateway = await startGateway();
  const id = await gateway.createClient(httpClient(one.url, { headers: { 'X-Round': 'start' } }));
  const session = await openSession(gateway);
  const arrived = (): number => one.countCalls() + two.countCalls();

  // The first half is at the upstream before the first change; the second half starts while the changes go on.
  const calls: Promise<RpcAnswer>[] = [];
  const call = (index: number): void => {
    const params = { name: 'c1-slow', arguments: { ms: 200 + (index % 400) } };
    calls.push(index % 2 === 0 ? postModern(gateway, 'tools/call', params) : session.request('tools/call', params));
  };
  for (let index = 0; index < CALLS / 2; index += 1) call(index);
  await waitFor(() => arrived() > 0, 'the first call to arrive');

  for (let round = 0; round < UPDATES; round += 1) {
    for (let index = 0; index < CALLS / 2 / UPDATES; index += 1) call(CALLS / 2 + calls.length);
    expectDone(await gateway.update(id, changeOf(round, [one.url, two.url])), 'edited');
  }

  const answers = await Promise.all(calls);
  expect(answers).toHaveLength(CALLS);
  const failed = answers.filter(
    ({ reply }) => JSON.stringify(reply.result?.['content']) !== '[{"type":"text","text":"done"}]',
  );
  expect(failed.map(({ status, text }) => `${status} ${text}`)).toEqual([]);
  expect(arrived()).toBe(CALLS);
  expect(one.countCalls()).toBeGreaterThan(0);
  expect(two.countCalls()).toBeGreaterThan(0);
  await waitFor(() => one.sessionCount + two.sessionCount === 1, 'the replaced connections to be let go');
}, 60_000);

/** The changes in turn: target, headers, prices and lists, time-outs and probes; never the name. */
function changeOf(round: number, urls: readonly string[]): Record<string, unknown> {
  switch (round % 5) {
    case 0:
      return { connection_string: urls[(round / 5 + 1) % 2] };
    case 1:
      return { headers: { 'X-Round': `round-${round}` } };
    case 2:
      return { tool_pricing: { slow: round }, tools_to_execute: round % 2 === 0 ? ['*'] : ['slow'] };
    case 3:
      return { tool_execution_timeout: 20 + round, allowed_extra_headers: [`x-${round}`] };
    default:
      return { is_ping_available: round % 2 === 0, tool_sync_interval: round, headers: { 'X-Other': `${round}` } };
  }
}
