import { expect, test } from 'vitest';
import { httpClient, startGateway } from '../kit/gateway.ts';
import { NODE_COUNT } from '../kit/node-count.ts';
import { expectDone } from '../kit/scene.ts';
import { startUpstream } from '../kit/upstream.ts';
import { waitFor } from '../kit/wait.ts';
import { openSession, postModern, type RpcAnswer, type RpcMessage } from '../kit/wire.ts';

const IN_FLIGHT = 1000;
const UPDATES = 50;
const CALLS_PER_UPDATE = 10;

test('a thousand calls in flight through fifty live changes, and not one fails', async () => {
  await using one = await startUpstream();
  await using two = await startUpstream();
  await using gateway = await startGateway();
  const id = await gateway.createClient(
    httpClient(one.url, { headers: { 'X-Round': 'start' }, tool_execution_timeout: 200 }),
  );
  const session = await openSession(gateway);
  const calls: Promise<RpcAnswer>[] = [];
  let answered = 0;
  const call = (): void => {
    const params = { name: 'c1-add', arguments: { a: calls.length, b: 0 } };
    // Half of the callers are of the older revisions, half of the modern one.
    const isLegacy = calls.length % 2 === 0;
    const answer = isLegacy ? session.request('tools/call', params) : postModern(gateway, 'tools/call', params);
    calls.push(answer.finally(() => (answered += 1)));
  };

  const gate = Promise.withResolvers<void>();
  one.host.gate = gate.promise;
  for (let index = 0; index < IN_FLIGHT; index += 1) call();
  await waitFor(() => one.countCalls() === IN_FLIGHT, 'a thousand calls at the upstream', 30_000);
  one.host.gate = undefined;
  for (let round = 0; round < UPDATES; round += 1) {
    for (let index = 0; index < CALLS_PER_UPDATE; index += 1) call();
    expectDone(await gateway.update(id, changeOf(round, [one.url, two.url])), 'edited');
  }
  await waitFor(() => answered >= calls.length - IN_FLIGHT, 'the calls that nobody held up', 30_000);
  gate.resolve();

  const answers = await Promise.all(calls);
  const failed = answers.filter(({ reply }, index) => textOf(reply) !== String(index));
  expect(failed.map(({ status, text }) => `${status} ${text}`)).toEqual([]);
  expect(one.countCalls() + two.countCalls()).toBe(IN_FLIGHT + UPDATES * CALLS_PER_UPDATE);
  expect(two.countCalls()).toBeGreaterThan(0);
  await waitFor(() => one.sessionCount + two.sessionCount === NODE_COUNT, 'the replaced connections to be let go');
}, 60_000);

function textOf({ result }: RpcMessage): unknown {
  return (result?.['content'] as { text: string }[] | undefined)?.[0]?.text;
}

/** The changes in turn: target, headers, prices and lists, time-outs and probes; never the name. */
function changeOf(round: number, urls: readonly string[]): Record<string, unknown> {
  switch (round % 5) {
    case 0:
      return { connection_string: urls[(round / 5 + 1) % 2] };
    case 1:
      return { headers: { 'X-Round': `round-${round}` } };
    case 2:
      return { tool_pricing: { add: round }, tools_to_execute: round % 2 === 0 ? ['*'] : ['add'] };
    case 3:
      return { tool_execution_timeout: 200 + round, allowed_extra_headers: [`x-${round}`] };
    default:
      return { is_ping_available: round % 2 === 0, tool_sync_interval: round, headers: { 'X-Other': `${round}` } };
  }
}
