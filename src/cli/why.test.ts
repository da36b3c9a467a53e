import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { listenOnLoopback } from '../../test/kit/http-host.ts';
import { startScene } from '../../test/kit/scene.ts';
import { createKey } from '../../test/kit/keys.ts';

const main = join(import.meta.dirname, '..', 'main.ts');

/** Runs `asbru why …` in a process of its own. */
async function why(args: readonly string[], variables: Readonly<Record<string, string>> = {}) {
  const { ASBRU_URL: _url, ASBRU_KEY: _key, ASBRU_API_KEY: _apiKey, ...env } = process.env;
  const child = spawn(process.execPath, [main, 'why', ...args], { env: { ...env, ...variables } });
  const out = { stdout: '', stderr: '' };
  child.stdout.on('data', (data) => (out.stdout += String(data)));
  child.stderr.on('data', (data) => (out.stderr += String(data)));
  const [code] = (await once(child, 'close')) as [number];
  return { code, ...out };
}

test('the exit code tells whether a tool can be called, and each rule has a line', async () => {
  await using scene = await startScene({ client: { tool_pricing: { echo: 0.25 } } });
  const { gateway } = scene;
  const grants = { mcp_configs: [{ mcp_client_name: 'c1', tools_to_execute: ['echo', 'add'] }] };
  const key = await createKey(gateway, 'ci', { ...grants, budgets: [{ max_limit: 0, reset_duration: '1d' }] });
  await createKey(gateway, 'rich', grants);
  const there = ['--url', gateway.address, '--key', gateway.apiKey];

  const [operator, rich, poor, hidden] = await Promise.all([
    why(['c1-echo', ...there]),
    // The address of /mcp is the one that people have at hand.
    why(['c1-echo', '--for', 'rich'], { ASBRU_URL: `${gateway.address}/mcp`, ASBRU_API_KEY: gateway.apiKey }),
    why(['c1-echo', '--for', key.id, ...there]),
    why(['c1-greet', '--for', 'rich', ...there]),
  ]);
  expect(operator).toMatchObject({ code: 0, stderr: '' });
  expect(operator.stdout).toMatch(/^c1-echo: an operator can call it, at \$0\.25\n( {2}[+$] .+\n){3}$/);
  expect(rich.stdout).toBe(
    [
      'c1-echo: virtual key "rich" can call it, at $0.25',
      '  + virtual_key        the virtual key "rich" is active',
      '  + tools_to_execute   tools_to_execute of c1 admits "echo": ["*"]',
      '  + virtual_key_grant  the entry of "rich" for c1 grants "echo": ["echo","add"]',
      '  $ tool_pricing       a successful call costs $0.25; a failed one nothing',
      '',
    ].join('\n'),
  );
  expect(poor).toMatchObject({ code: 1, stderr: '' });
  expect(poor.stdout).toMatch(/^c1-echo: virtual key "ci" sees it, but cannot call it\n/);
  expect(poor.stdout).toContain('\n  - budget ');
  expect(hidden).toMatchObject({ code: 1, stderr: '' });
  expect(hidden.stdout).toMatch(/^c1-greet: virtual key "rich" cannot see it\n/);
  expect(hidden.stdout).toContain('\n  - virtual_key_grant ');
});

test('--json prints the answer of the gateway as it is', async () => {
  await using scene = await startScene();
  const { gateway } = scene;
  const { code, stdout } = await why(['c1-none', '--json', '--url', gateway.address, '--key', gateway.apiKey]);
  const { body } = await gateway.api('GET', '/api/mcp/explain?tool=c1-none');
  expect([code, JSON.parse(stdout)]).toEqual([1, body]);
});

test('where nobody can tell, the exit code is 2 and the reason is said', async () => {
  await using scene = await startScene();
  const { gateway } = scene;
  const there = ['--url', gateway.address];
  const key = await createKey(gateway, 'ci');
  const fails = async (args: readonly string[], reason: string, variables: Readonly<Record<string, string>> = {}) => {
    const { code, stdout, stderr } = await why(['c1-echo', ...args], variables);
    expect({ code, stdout, stderr }).toEqual({
      code: 2,
      stdout: '',
      stderr: expect.stringContaining(reason) as string,
    });
    expect(stderr).toMatch(/^asbru why: .+\n$/);
  };
  await fails(['--url', 'http://127.0.0.1:1', '--key', 'x'], 'no gateway answers at http://127.0.0.1:1: ');
  await fails(['--url', 'nowhere', '--key', 'x'], '"nowhere" is not an address such as http://localhost:8080');
  await fails(there, 'a management API key is needed: set ASBRU_API_KEY or give --key');
  await fails([...there, '--key', 'wrong'], 'the gateway answered 401: the API key is unknown or was revoked');
  await fails(there, 'the gateway answered 401: virtual keys are not accepted here', { ASBRU_KEY: key.value });
  await fails(
    [...there, '--key', gateway.apiKey, '--for', 'nobody'],
    'the gateway answered 404: virtual_key: there is',
  );
  await fails([...there, '--key', gateway.apiKey, '--for', ''], 'the gateway answered 400: virtual_key: must not be');
});

test('something that is no gateway is not taken at its word', async () => {
  let text = '';
  const host = await listenOnLoopback((_, response) => response.end(text));
  onTestFinished(() => host.stop());
  const ask = () => why(['c1-echo', '--url', host.origin, '--key', 'x']);
  text = '<html></html>';
  expect(await ask()).toEqual({
    code: 2,
    stdout: '',
    stderr: `asbru why: what answers at ${host.origin} is no gateway\n`,
  });
  text = '{"is_callable": true}';
  const { code, stdout, stderr } = await ask();
  expect([code, stdout, stderr]).toEqual([2, '', expect.stringContaining('something else than an explanation')]);
});
