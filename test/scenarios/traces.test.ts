import { expect, test } from 'vitest';
import { httpClient, startGateway } from '../kit/gateway.ts';
import { startUpstream, type Upstream } from '../kit/upstream.ts';

const TRACE = '0af7651916cd43dd8448eb211c80319c';
const CALLERS = `00-${TRACE}-b7ad6b7169203331-01`;

const calls = ({ requests }: Upstream) => requests.filter(({ rpcMethod }) => rpcMethod === 'tools/call');

test('without an endpoint for traces the caller’s trace goes on to the server as it came, credentials do not', async () => {
  await using upstream = await startUpstream();
  await using gateway = await startGateway();
  await gateway.createClient(httpClient(upstream.url));
  const headers = { traceparent: CALLERS, tracestate: 'vendor=1', 'x-other': 'no' };
  expect((await gateway.execute('c1-add', { a: 1, b: 2 }, headers)).status).toBe(200);
  expect((await gateway.execute('c1-add', { a: 1, b: 2 }, { traceparent: 'nonsense' })).status).toBe(200);
  const [first, second] = calls(upstream);
  expect(first?.headers).toMatchObject({ traceparent: CALLERS, tracestate: 'vendor=1' });
  for (const name of ['authorization', 'x-other']) expect(first?.headers).not.toHaveProperty(name);
  expect(second?.headers).not.toHaveProperty('traceparent');
});
