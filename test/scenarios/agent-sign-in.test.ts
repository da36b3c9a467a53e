import { expect, test } from 'vitest';
import { FORMATS, postStream, startModelScene, type ModelScene } from '../kit/models.ts';
import { allowLinks, personalClient, requiredIn, SAMPLE, submit } from '../kit/personal.ts';
import { startUpstream, type Upstream } from '../kit/upstream.ts';

type JsonObject = Record<string, unknown>;

const WAYS = FORMATS.flatMap((format) => [[...format, false] as const, [...format, true] as const]);
/** Who calls, for servers that know each of their callers. */
const SOMEBODY = { 'x-bf-mcp-session-id': 'somebody' };
const ran = { id: 'a', name: 'c1-echo', args: { text: 'one' } };
const refused = { id: 'b', name: 'c2-echo', args: { text: 'two' } };

interface SignInScene extends ModelScene {
  /** Behind "c2", which lets in only who has signed in. */
  readonly personal: Upstream;
}

async function startSignInScene(): Promise<SignInScene> {
  const scene = await startModelScene({ client: { tools_to_auto_execute: ['echo'] } });
  const personal = await startUpstream();
  personal.admits = (headers) => Object.values(SAMPLE).includes(String(headers['x-user-token']));
  await allowLinks(scene.gateway);
  const more = { name: 'c2', user_headers: SAMPLE, tools_to_auto_execute: ['echo'] };
  await scene.gateway.createClient(personalClient(personal.url, more));
  return {
    ...scene,
    personal,
    async [Symbol.asyncDispose]() {
      await scene[Symbol.asyncDispose]();
      await personal.stop();
    },
  };
}

async function ask({ gateway }: ModelScene, path: string, body: JsonObject, isStream: boolean) {
  if (isStream) return postStream(gateway, path, body, SOMEBODY);
  const answer = await gateway.api('POST', path, body, SOMEBODY);
  return { status: answer.status, text: JSON.stringify(answer.body) };
}

test.each(WAYS)(
  'what has run beside a call whose caller has to sign in is told, and nothing runs twice: %s',
  async (_, path, request, isStream) => {
    await using scene = await startSignInScene();
    const { gateway, models, personal, scene: servers } = scene;
    models.script({ calls: [ran, refused] }, { text: 'never' });
    const { status, text } = await ask(scene, path, request, isStream);
    expect(status).toBe(200);
    const plain = text.replaceAll('\\', '');
    expect(plain).toContain('{"c1-echo":"one"}');
    expect(plain).toContain('The call of "c2-echo" has not run: Authentication required for c2.');
    expect(plain).toContain('"text":"two"');
    // A link opens the form for whoever has it.
    expect(plain).not.toContain('#t=');
    expect(models.calls).toHaveLength(1);
    const call = { id: 'b', type: 'function', function: { name: 'c2-echo', arguments: '{"text":"two"}' } };
    const execute = () => gateway.api('POST', '/v1/mcp/tool/execute', call, SOMEBODY);
    await submit(gateway, requiredIn(await execute()), SAMPLE);
    expect((await execute()).body).toMatchObject({ content: 'two' });
    expect([servers.upstream.countCalls('echo'), personal.countCalls('echo')]).toEqual([1, 1]);
  },
);

test.each(WAYS)('so is what ran in rounds before: %s', async (_, path, request, isStream) => {
  await using scene = await startSignInScene();
  scene.models.script({ calls: [ran] }, { calls: [refused] }, { text: 'never' });
  const { status, text } = await ask(scene, path, request, isStream);
  expect(status).toBe(200);
  expect(text.replaceAll('\\', '')).toContain('{"c1-echo":"one"}');
  expect(text).toContain('c2-echo');
  expect(scene.models.calls).toHaveLength(2);
});

test.each(WAYS)('where nothing has run the caller is asked to sign in: %s', async (_, path, request, isStream) => {
  await using scene = await startSignInScene();
  scene.models.script({ calls: [refused, { ...refused, id: 'c' }] });
  const { status, text } = await ask(scene, path, request, isStream);
  expect(status).toBe(isStream ? 200 : 401);
  expect(text).toContain('"mcp_auth_required":{');
  expect(text).toContain('#t=');
});
