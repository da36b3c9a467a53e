import { once } from 'node:events';
import { connect } from 'node:net';
import { expect, test } from 'vitest';
import { listenOnLoopback } from '../../../test/kit/http-host.ts';
import type { Peer } from '../../store/cluster.ts';
import { createPassOn } from './pass-on.ts';

test('the stream of a client that has left before is opened on no other node', async () => {
  let streams = 0;
  const other = await listenOnLoopback((_, response) => {
    streams += 1;
    response.writeHead(200).write('open');
  });
  const peer = { id: 'other', address: new URL(other.origin).host } as Peer;
  using passOn = createPassOn('secret');
  const passed: Promise<boolean>[] = [];
  const node = await listenOnLoopback((request, response) => {
    if (request.url === '/stays') passed.push(passOn(peer, request, response, undefined));
    else {
      response.once('close', () => passed.push(passOn(peer, request, response, undefined)));
      client.destroy();
    }
  });
  const client = connect(Number(new URL(node.origin).port), '127.0.0.1');
  client.write('GET /leaves HTTP/1.1\r\nHost: localhost\r\n\r\n');
  await expect.poll(() => passed.length).toBe(1);
  const stays = connect(Number(new URL(node.origin).port), '127.0.0.1');
  stays.write('GET /stays HTTP/1.1\r\nHost: localhost\r\n\r\n');
  await once(stays, 'data');
  expect(streams).toBe(1);
  expect(await passed[0]).toBe(true);
  stays.destroy();
  await Promise.all([node.stop(), other.stop(), passed[1]?.catch(() => undefined)]);
});
