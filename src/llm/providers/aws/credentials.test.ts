import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { listenOnLoopback, readBody } from '../../../../test/kit/http-host.ts';
import { createEgress } from '../../../lib/egress.ts';
import { createGuardedFetch, type Fetch } from '../../../lib/guarded-fetch.ts';
import { createAwsCredentialChain } from './credentials.ts';

const folder = mkdtempSync(join(tmpdir(), 'aws-'));
afterAll(() => rmSync(folder, { recursive: true }));

interface Asked {
  readonly line: string;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: string;
}

interface Reply {
  readonly status?: number;
  readonly headers?: Record<string, string>;
  readonly body: string;
}

/** A stand-in for one of the services: `replies` by method and path. */
async function startService(replies: Readonly<Record<string, Reply | ((asked: Asked) => Reply)>>) {
  const asked: Asked[] = [];
  const host = await listenOnLoopback((request, response) => {
    void readBody(request).then((body) => {
      const one = { line: `${request.method} ${request.url}`, headers: request.headers, body };
      asked.push(one);
      const reply = replies[one.line];
      const { status = 200, headers = {}, body: text } = (typeof reply === 'function' ? reply(one) : reply) ?? LOST;
      response.writeHead(status, headers).end(text);
    });
  });
  return { origin: host.origin, asked, [Symbol.asyncDispose]: () => host.stop() };
}

const LOST: Reply = { status: 404, body: 'not here' };

function createChain(env: Record<string, string>) {
  let time = Date.parse('2026-10-01T00:00:00Z');
  // A proxy that nobody could reach: what goes to this machine must pass it by.
  const proxied = { http_proxy: 'http://127.0.0.1:1', ...env };
  const egress = createEgress({
    settings: () => ({ allow_private_servers: true, egress_allowlist: [] }),
    env: proxied,
  });
  const chain = createAwsCredentialChain({
    env: { HOME: '/nowhere', ...env },
    fetch: createGuardedFetch({ egress, policy: { kind: 'server' } }),
    machineFetch: createGuardedFetch({ egress, policy: { kind: 'machine-credentials' } }),
    now: () => time,
  });
  return { find: async () => chain.find('eu-north-1'), pass: (ms: number) => (time += ms) };
}

function write(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

const NO_INSTANCE = { AWS_EC2_METADATA_DISABLED: 'true' };
const EXPIRATION = '2026-10-01T06:00:00Z';
const told = (key: string, expiration = EXPIRATION): string =>
  JSON.stringify({
    Code: 'Success',
    AccessKeyId: key,
    SecretAccessKey: 'secret/+=',
    Token: 'session',
    Expiration: expiration,
  });
const TOLD = { secretKey: 'secret/+=', sessionToken: 'session', expiresAt: Date.parse(EXPIRATION) };

describe('the environment', () => {
  test('comes first', async () => {
    const { find } = createChain({
      AWS_ACCESS_KEY_ID: 'AKIA1',
      AWS_SECRET_ACCESS_KEY: 's',
      AWS_SESSION_TOKEN: 't',
      AWS_CONTAINER_CREDENTIALS_FULL_URI: 'http://127.0.0.1:1/',
    });
    expect(await find()).toEqual({ accessKey: 'AKIA1', secretKey: 's', sessionToken: 't', expiresAt: Infinity });
  });

  test('with half a pair is an error, and no reason to be somebody else', async () => {
    const { find } = createChain({ AWS_ACCESS_KEY_ID: 'AKIA1', ...NO_INSTANCE });
    await expect(find()).rejects.toThrow('AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY must be set together');
  });
});

describe('the credentials file', () => {
  const path = write(
    'credentials',
    '# mine\n[default]\naws_access_key_id = AKIADEFAULT\naws_secret_access_key=a=b \n\n' +
      '[work]\r\nAWS_ACCESS_KEY_ID=AKIAWORK\r\naws_secret_access_key=w\r\naws_session_token=t\r\n[half]\naws_access_key_id=x\n',
  );
  const chainFor = (AWS_PROFILE: string) =>
    createChain({ AWS_SHARED_CREDENTIALS_FILE: path, AWS_PROFILE, ...NO_INSTANCE });

  test.each([
    ['', { accessKey: 'AKIADEFAULT', secretKey: 'a=b', sessionToken: '' }],
    ['work', { accessKey: 'AKIAWORK', secretKey: 'w', sessionToken: 't' }],
  ])('has the keys of the profile "%s"', async (profile, keys) => {
    expect(await chainFor(profile).find()).toMatchObject(keys);
  });

  test('says what lacks in it', async () => {
    await expect(chainFor('half').find()).rejects.toThrow('the profile "half" must be set together');
    await expect(chainFor('play').find()).rejects.toThrow('has no profile "play"');
  });

  test('is read again, for session keys that somebody put there', async () => {
    const changing = write('changing', '[default]\naws_access_key_id=A1\naws_secret_access_key=s\n');
    const chain = createChain({ AWS_SHARED_CREDENTIALS_FILE: changing });
    expect((await chain.find()).accessKey).toBe('A1');
    write('changing', '[default]\naws_access_key_id=A22\naws_secret_access_key=s\n');
    chain.pass(10 * 60_000);
    expect((await chain.find()).accessKey).toBe('A22');
  });
});

describe('web identity', () => {
  const xml = `<AssumeRoleWithWebIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">
    <AssumeRoleWithWebIdentityResult><Credentials><AccessKeyId>ASIAWEB</AccessKeyId>
    <SecretAccessKey>secret/+=</SecretAccessKey><SessionToken>session</SessionToken>
    <Expiration>${EXPIRATION}</Expiration></Credentials></AssumeRoleWithWebIdentityResult>
    </AssumeRoleWithWebIdentityResponse>`;
  const chainAt = (origin: string) =>
    createChain({
      AWS_WEB_IDENTITY_TOKEN_FILE: write('token', 'the.web.token\n'),
      AWS_ROLE_ARN: 'arn:aws:iam::1:role/gateway',
      AWS_ENDPOINT_URL_STS: `${origin}/`,
    });

  test('is exchanged at STS for the credentials of the role', async () => {
    await using sts = await startService({ 'POST /': { body: xml } });
    expect(await chainAt(sts.origin).find()).toEqual({ accessKey: 'ASIAWEB', ...TOLD });
    expect(Object.fromEntries(new URLSearchParams(sts.asked[0]?.body))).toEqual({
      Action: 'AssumeRoleWithWebIdentity',
      Version: '2011-06-15',
      RoleArn: 'arn:aws:iam::1:role/gateway',
      RoleSessionName: 'asbru',
      WebIdentityToken: 'the.web.token',
    });
    expect(sts.asked[0]?.headers.authorization).toBeUndefined();
  });

  test('that STS refuses ends the search, in its own words and without the token', async () => {
    const body =
      '<ErrorResponse><Error><Code>AccessDenied</Code><Message>Not authorized</Message></Error></ErrorResponse>';
    await using sts = await startService({ 'POST /': { status: 403, body } });
    const search = chainAt(sts.origin).find();
    await expect(search).rejects.toMatchObject({ code: 'upstream_unauthorized' });
    await expect(search).rejects.toThrow('arn:aws:iam::1:role/gateway: AccessDenied: Not authorized');
    await expect(search).rejects.not.toThrow('the.web.token');
  });

  test('without a role or a readable token is an error', async () => {
    const file = write('token', 'the.web.token');
    const roleless = createChain({ AWS_WEB_IDENTITY_TOKEN_FILE: file, ...NO_INSTANCE });
    await expect(roleless.find()).rejects.toThrow('AWS_ROLE_ARN');
    const fileless = createChain({ AWS_WEB_IDENTITY_TOKEN_FILE: join(folder, 'none'), AWS_ROLE_ARN: 'r' });
    await expect(fileless.find()).rejects.toThrow('AWS_WEB_IDENTITY_TOKEN_FILE');
  });
});

describe('a container', () => {
  test('asks its agent with the token in the file, read anew each time', async () => {
    await using agent = await startService({
      'GET /v1/credentials': ({ headers }) => ({ body: told(`ASIA-${String(headers.authorization)}`) }),
    });
    const chain = createChain({
      AWS_CONTAINER_CREDENTIALS_FULL_URI: `${agent.origin.replace('127.0.0.1', 'localhost')}/v1/credentials`,
      AWS_CONTAINER_AUTHORIZATION_TOKEN: 'not this one',
      AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE: write('agent-token', 'first\n'),
    });
    expect(await chain.find()).toEqual({ accessKey: 'ASIA-first', ...TOLD });
    write('agent-token', 'second one\n');
    chain.pass(6 * 3_600_000 - 30_000);
    expect(await chain.find()).toMatchObject({ accessKey: 'ASIA-second one' });
  });

  test('may have keys that do not end, and no token', async () => {
    const body = JSON.stringify({ AccessKeyId: 'AKIA', SecretAccessKey: 's' });
    await using agent = await startService({ 'GET /': { body } });
    const { find } = createChain({ AWS_CONTAINER_CREDENTIALS_FULL_URI: agent.origin });
    expect(await find()).toEqual({ accessKey: 'AKIA', secretKey: 's', sessionToken: '', expiresAt: Infinity });
    expect(agent.asked[0]?.headers.authorization).toBeUndefined();
  });

  test.each(['http://10.0.0.1/', 'https://8.8.8.8/', 'http://169.254.169.253/', 'http://[::ffff:169.254.170.2]/'])(
    'is not asked at %s, wherever the environment points',
    async (address) => {
      const search = createChain({ AWS_CONTAINER_CREDENTIALS_FULL_URI: address }).find();
      await expect(search).rejects.toMatchObject({ code: 'egress_blocked' });
    },
  );

  test('is not led elsewhere by its agent', async () => {
    await using other = await startService({ 'GET /': { body: told('ASIAOTHER') } });
    const moved = { status: 302, headers: { location: other.origin }, body: '' };
    await using agent = await startService({ 'GET /': moved });
    const { find } = createChain({ AWS_CONTAINER_CREDENTIALS_FULL_URI: agent.origin });
    await expect(find()).rejects.toThrow('redirects');
    expect(other.asked).toEqual([]);
  });

  test('that is refused ends the search', async () => {
    await using agent = await startService({
      'GET /': { status: 401, body: JSON.stringify({ message: 'token expired' }) },
    });
    const search = createChain({ AWS_CONTAINER_CREDENTIALS_FULL_URI: agent.origin }).find();
    await expect(search).rejects.toThrow('gives no credentials: token expired');
  });
});

describe('an instance', () => {
  const ROLES = '/latest/meta-data/iam/security-credentials/';
  const isOpen = ({ headers }: Asked) => headers['x-aws-ec2-metadata-token'] === 'imds-token';
  const behindToken =
    (reply: Reply) =>
    (asked: Asked): Reply =>
      isOpen(asked) ? reply : { status: 401, body: '' };

  function instance(credentials: Reply | (() => Reply)) {
    return {
      'PUT /latest/api/token': ({ headers }: Asked): Reply =>
        headers['x-aws-ec2-metadata-token-ttl-seconds'] === '21600'
          ? { body: 'imds-token' }
          : { status: 400, body: '' },
      [`GET ${ROLES}`]: behindToken({ body: 'gateway-role' }),
      [`GET ${ROLES}gateway-role`]: (asked: Asked) =>
        behindToken(typeof credentials === 'function' ? credentials() : credentials)(asked),
    };
  }

  test('gives the credentials of its role to who has a token of version 2', async () => {
    await using imds = await startService(instance({ body: told('ASIAEC2') }));
    const { find } = createChain({ AWS_EC2_METADATA_SERVICE_ENDPOINT: `${imds.origin}/` });
    expect(await find()).toEqual({ accessKey: 'ASIAEC2', ...TOLD });
    expect(imds.asked.map(({ line }) => line)).toEqual([
      'PUT /latest/api/token',
      `GET ${ROLES}`,
      `GET ${ROLES}gateway-role`,
    ]);
  });

  test('is asked once for many, and again before the credentials end; a failure goes on with the old ones', async () => {
    let count = 0;
    await using imds = await startService(
      instance(() => ((count += 1) === 2 ? { status: 500, body: '' } : { body: told(`ASIA${count}`) })),
    );
    const chain = createChain({ AWS_EC2_METADATA_SERVICE_ENDPOINT: imds.origin });
    const many = await Promise.all([chain.find(), chain.find(), chain.find()]);
    expect(many.map(({ accessKey }) => accessKey)).toEqual(['ASIA1', 'ASIA1', 'ASIA1']);
    expect(count).toBe(1);
    chain.pass(6 * 3_600_000 - 30_000);
    expect((await chain.find()).accessKey).toBe('ASIA1');
    expect(count).toBe(2);
    chain.pass(30_000);
    expect((await chain.find()).accessKey).toBe('ASIA3');
  });

  test('is not asked where that is turned off', async () => {
    await using imds = await startService(instance({ body: told('ASIAEC2') }));
    const env = { AWS_EC2_METADATA_SERVICE_ENDPOINT: imds.origin, AWS_EC2_METADATA_DISABLED: 'TRUE' };
    await expect(createChain(env).find()).rejects.toThrow('AWS_EC2_METADATA_DISABLED is set');
    expect(imds.asked).toEqual([]);
  });

  test('that gives nothing to version 2 is not asked by version 1', async () => {
    await using imds = await startService({ [`GET ${ROLES}`]: { body: 'gateway-role' } });
    const { find } = createChain({ AWS_EC2_METADATA_SERVICE_ENDPOINT: imds.origin });
    await expect(find()).rejects.toThrow('instance metadata (HTTP 404 for a token)');
    expect(imds.asked).toHaveLength(1);
  });
});

test.each([
  [
    { AWS_CONTAINER_CREDENTIALS_RELATIVE_URI: '/v2/credentials/1', AWS_CONTAINER_CREDENTIALS_FULL_URI: 'http://x/' },
    'machine http://169.254.170.2/v2/credentials/1',
  ],
  [{}, 'machine http://169.254.169.254/latest/api/token'],
  [{ AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE: 'IPv6' }, 'machine http://[fd00:ec2::254]/latest/api/token'],
  [{ AWS_WEB_IDENTITY_TOKEN_FILE: write('web', 't'), AWS_ROLE_ARN: 'r' }, 'web https://sts.eu-north-1.amazonaws.com/'],
  [
    { AWS_WEB_IDENTITY_TOKEN_FILE: write('web', 't'), AWS_ROLE_ARN: 'r', AWS_REGION: 'us-west-2' },
    'web https://sts.us-west-2.amazonaws.com/',
  ],
])('with %j it is AWS at its own address that is asked', async (env, expected) => {
  const asked: string[] = [];
  const hear =
    (by: string): Fetch =>
    async (input) => {
      asked.push(`${by} ${new Request(input).url}`);
      return new Response('', { status: 404 });
    };
  const chain = createAwsCredentialChain({
    env: { HOME: '/nowhere', ...env },
    ...{ fetch: hear('web'), machineFetch: hear('machine'), now: Date.now },
  });
  await expect(chain.find('eu-north-1')).rejects.toThrow();
  expect(asked).toEqual([expected]);
});

test('without any credentials the error names all that was tried', async () => {
  const { find } = createChain(NO_INSTANCE);
  await expect(find()).rejects.toMatchObject({ code: 'invalid_request' });
  await expect(find()).rejects.toThrow(
    /tried: environment \(AWS_ACCESS_KEY_ID is not set\), web identity \(.*\), credentials file \(.*\), container \(.*\), instance metadata \(AWS_EC2_METADATA_DISABLED is set\)$/,
  );
});
