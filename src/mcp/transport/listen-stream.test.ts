import type { ServerResponse } from 'node:http';
import { afterEach, expect, test } from 'vitest';
import { listenOnLoopback } from '../../../test/kit/http-host.ts';
import { waitFor } from '../../../test/kit/wait.ts';
import { createHttpClient } from '../../lib/http-client.ts';
import type { Incoming } from '../../lib/json-rpc.ts';
import { createListenStream } from './listen-stream.ts';

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

const NOTICE = '{"jsonrpc":"2.0","method":"notifications/a"}';

/** Opens the stream of a server that answers the n-th GET with the n-th step, and the later ones with the last. */
async function listenTo(...steps: ((response: ServerResponse) => void)[]) {
  const gets: { lastEventId: string | undefined; response: ServerResponse }[] = [];
  const host = await listenOnLoopback((request, response) => {
    gets.push({ lastEventId: request.headers['last-event-id'] as string | undefined, response });
    (steps[gets.length - 1] ?? steps.at(-1))?.(response);
  });
  const heard: Incoming[] = [];
  const url = new URL(host.origin);
  const client = createHttpClient(url);
  const closed = new AbortController();
  cleanups.push(
    () => host.stop(),
    () => client.close(),
    () => closed.abort(),
  );
  createListenStream({ client, url, headers: () => ['x-own', 'a'], closed: closed.signal }, (incoming) =>
    heard.push(incoming),
  ).open();
  return { gets, heard, closed };
}

const stream = (response: ServerResponse, text: string): ServerResponse => {
  response.writeHead(200, { 'content-type': 'text/event-stream' }).write(text);
  return response;
};

test('the stream is taken up again after its end, after a cut and after an event that cannot be read', async () => {
  const { gets, heard } = await listenTo(
    (response) => stream(response, `retry: 20\nid: 1\ndata: ${NOTICE}\n\n`).end(),
    (response) => {
      stream(response, 'id: 2\ndata: cut');
      setTimeout(() => response.destroy(), 20);
    },
    (response) => void stream(response, 'id: 3\ndata: {\n\n'),
    (response) => void stream(response, `data: ${NOTICE}\n\n`),
  );
  await waitFor(() => heard.length === 2, 'both notices');
  expect(gets.map(({ lastEventId }) => lastEventId)).toEqual([undefined, '1', '1', '3']);
});

test('a server that offers no stream is left in peace', async () => {
  const { gets } = await listenTo((response) => void response.writeHead(405).end());
  await waitFor(() => gets[0]?.response.writableFinished, 'the refusal');
  // Longer than any first pause.
  await new Promise((resolve) => setTimeout(resolve, 1_100));
  expect(gets).toHaveLength(1);
});

test('closing the connection ends the stream for good', async () => {
  const { gets, heard, closed } = await listenTo((response) => void stream(response, `retry: 20\ndata: ${NOTICE}\n\n`));
  await waitFor(() => heard.length === 1, 'the notice');
  closed.abort();
  await waitFor(() => gets[0]?.response.destroyed, 'the end of the stream');
  await new Promise((resolve) => setTimeout(resolve, 100));
  expect(gets).toHaveLength(1);
});
