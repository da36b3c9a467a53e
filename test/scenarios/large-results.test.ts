import { waitFor } from '../kit/wait.ts';
import { describe, expect, test } from 'vitest';
import { startScene } from '../kit/scene.ts';
import { createKey, freshDatabase } from '../kit/keys.ts';
import { DATABASES } from '../kit/databases.ts';
import { startGateway } from '../kit/gateway.ts';
import { callFound, callMeta } from '../kit/search.ts';
import { openSession, postModern, type McpEndpoint, type RpcAnswer } from '../kit/wire.ts';

const ALL = { client: { allow_on_all_virtual_keys: true } };
const LINES = Array.from({ length: 5_000 }, (_, line) => `line ${line} of a long report`);
const BIG = LINES.join('\n');
const ITEMS = JSON.stringify({
  total: 2_000,
  items: Array.from({ length: 2_000 }, (_, id) => ({
    id,
    name: `item ${id}`,
    state: id % 2 === 0 ? 'open' : 'closed',
  })),
});

interface Block {
  readonly type: string;
  readonly text?: string;
  readonly uri?: string;
}

function blocksIn({ reply, text }: RpcAnswer): Block[] {
  const content = reply.result?.['content'] as Block[] | undefined;
  if (content === undefined) throw new Error(text);
  return content;
}

/** Calls echo so that its answer is too large; gives what stands in its place. */
async function echoLarge(endpoint: McpEndpoint, text: string): Promise<{ notice: string; uri: string; id: string }> {
  const [notice, link] = blocksIn(await callFound(endpoint, 'c1-echo', { text }));
  const uri = link?.uri ?? '';
  expect(link).toMatchObject({ type: 'resource_link', name: 'Result of c1-echo', size: text.length });
  return { notice: notice?.text ?? '', uri, id: uri.replace('asbru://results/', '') };
}

async function readResult(endpoint: McpEndpoint, args: Record<string, unknown>): Promise<string> {
  const answer = await callMeta(endpoint, 'readResult', args);
  return answer.reply.error?.message ?? blocksIn(answer)[0]?.text ?? '';
}

describe.each(DATABASES)('on %s', (type) => {
  test('a result that is too large comes as a preview, and all of it can be read', async () => {
    await using scene = await startScene({ ...ALL, gateway: await freshDatabase(type) });
    const key = await createKey(scene.gateway, 'reader');
    const { notice, uri, id } = await echoLarge(key, BIG);
    expect(notice).toContain(`too large to show whole: ${BIG.length} characters in 5000 lines.`);
    expect(notice).toContain(`readResult({ id: "${id}"`);
    expect(notice).toContain(LINES.slice(0, 100).join('\n'));
    expect(notice.length).toBeLessThan(5_000);

    const { reply } = await postModern(key, 'resources/read', { uri });
    expect(reply.result).toMatchObject({ resultType: 'complete', contents: [{ uri, text: BIG }] });
    const session = await openSession(key);
    const legacy = await session.request('resources/read', { uri });
    expect(legacy.reply.result).toEqual({ contents: [{ uri, mimeType: 'text/plain', text: BIG }] });

    let whole = '';
    for (let offset = 0; offset < BIG.length; offset += 50_000)
      whole += (await readResult(key, { id, offset, length: 50_000 })).replace(/\n\n\[characters [^\]]*\]$/, '');
    expect(whole).toBe(BIG);
    const place = BIG.indexOf('line 4321');
    expect(await readResult(key, { id, grep: 'LINE 4321' })).toBe(`${place}: line 4321 of a long report`);
  });

  test('nobody else can read it: not another key, not the operator, not who has no right to anything', async () => {
    await using scene = await startScene({ ...ALL, gateway: await freshDatabase(type) });
    const { gateway } = scene;
    const [ada, bob] = [await createKey(gateway, 'ada'), await createKey(gateway, 'bob')];
    const { uri, id } = await echoLarge(ada, BIG);
    for (const other of [bob, gateway]) {
      expect(await readResult(other, { id })).toContain(`there is no result "${id}" for you`);
      expect((await postModern(other, 'resources/read', { uri })).reply.error).toMatchObject({
        code: -32602,
        data: { code: 'resource_not_found' },
      });
    }
    expect(await readResult(ada, { id, length: 4 })).toContain('line');
  });
});

test('another node on the same database reads on', async () => {
  const options = await freshDatabase('postgres');
  await using scene = await startScene({ ...ALL, gateway: options });
  await using second = await startGateway(options);
  const key = await createKey(scene.gateway, 'wanderer');
  const { id } = await echoLarge(key, BIG);
  const readThere = () => readResult({ ...key, address: second.address }, { id, length: 6 });
  // The news of the key takes a moment to get there.
  await waitFor(async () => (await readThere()).includes('line 0'), 'the result on the other node');
});

test('parts of JSON are read by their path', async () => {
  await using scene = await startScene();
  const { gateway } = scene;
  const { notice, id } = await echoLarge(gateway, ITEMS);
  expect(notice).toContain(
    'JSON: an object with total (a number), items (an array of 2000, the first an object with id, name, state)',
  );
  expect(await readResult(gateway, { id, jsonPath: '$.items[7].name' })).toBe('"item 7"');
  expect(await readResult(gateway, { id, jsonPath: 'items[-2:].id' })).toBe('1998\n1999');
  expect(await readResult(gateway, { id, jsonPath: '$.items[*]', grep: '"item 1234"' })).toMatch(
    /^\d+: \{"id":1234,"name":"item 1234","state":"open"\}$/,
  );
  expect(await readResult(gateway, { id, jsonPath: '$..name' })).toContain('jsonPath: cannot be read from');
  expect(await readResult(gateway, { id, jsonPath: '$.nothing' })).toBe('[there is nothing at $.nothing]');
  expect(await readResult(gateway, { id: `asbru://results/${id}`, length: 9 })).toContain('{"total":');
  expect(await readResult(gateway, { id, offset: ITEMS.length })).toContain('offset: must be less than');
  expect(await readResult(gateway, { id: 'invented' })).toContain('call the tool again');
});

test('structured content that goes with a large text is kept with it', async () => {
  await using scene = await startScene();
  const { gateway } = scene;
  await gateway.api('PUT', '/api/config', { client_config: { mcp_max_result_size: 200 } });
  const answer = await callFound(gateway, 'c1-whoami');
  expect(answer.reply.result).not.toHaveProperty('structuredContent');
  const { uri = '' } = blocksIn(answer)[1] ?? {};
  const { reply } = await postModern(gateway, 'resources/read', { uri });
  const [text, whole] = (reply.result?.['contents'] ?? []) as { text: string }[];
  expect(JSON.parse(whole?.text ?? '')).toMatchObject({ structuredContent: JSON.parse(text?.text ?? '') as unknown });
  const id = uri.replace('asbru://results/', '');
  expect(await readResult(gateway, { id, jsonPath: '$.accept' })).toContain('text/event-stream');
});

test('where nothing was asked for, results stay whole: /mcp, REST, and when the setting is 0', async () => {
  await using scene = await startScene();
  const { gateway } = scene;
  const direct = await postModern(gateway, 'tools/call', { name: 'c1-echo', arguments: { text: BIG } });
  expect(blocksIn(direct)).toEqual([{ type: 'text', text: BIG }]);
  expect((await gateway.execute('c1-echo', { text: BIG })).body['content']).toBe(BIG);
  const small = await callFound(gateway, 'c1-rich');
  expect(small.reply.result).toEqual(
    (await postModern(gateway, 'tools/call', { name: 'c1-rich', arguments: {} })).reply.result,
  );
  await gateway.api('PUT', '/api/config', { client_config: { mcp_max_result_size: 0 } });
  expect(blocksIn(await callFound(gateway, 'c1-echo', { text: BIG }))).toEqual([{ type: 'text', text: BIG }]);
});

test('what is kept can be found by clients that look for resources first', async () => {
  await using scene = await startScene();
  const plain = await openSession(scene.gateway);
  expect(plain.opened['capabilities']).not.toHaveProperty('resources');
  const searching = await openSession(scene.gateway, { 'x-asbru-tool-mode': 'search' });
  expect(searching.opened['capabilities']).toHaveProperty('resources');
});
