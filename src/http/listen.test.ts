import { once } from 'node:events';
import { connect } from 'node:net';
import { expect, test } from 'vitest';
import { createLogger } from '../lib/logger.ts';
import { listen } from './listen.ts';

function start() {
  const logger = createLogger({ level: 'silent', style: 'json' });
  const fetch = () => new Response('here');
  return listen({ host: '127.0.0.1', port: 0, raw: {}, fetch, checkOrigin: () => undefined, logger });
}

test('a connection that was opened but never used does not hold up a drain', async () => {
  const listener = await start();
  const unused = connect(Number(new URL(listener.address).port), '127.0.0.1');
  await once(unused, 'connect');
  const closed = once(unused, 'close');
  // Node itself would wait for as long as it may, which here is longer than the test may take.
  await listener.drain(60_000);
  await closed;
});

test('a first request that comes while draining is still answered', async () => {
  const listener = await start();
  const early = connect(Number(new URL(listener.address).port), '127.0.0.1');
  await once(early, 'connect');
  const drained = listener.drain(60_000);
  early.write('GET / HTTP/1.1\r\nhost: localhost\r\n\r\n');
  let answer = '';
  for await (const part of early) answer += String(part);
  expect(answer).toContain('here');
  await drained;
});
