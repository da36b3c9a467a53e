import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import { createApi } from '../api.ts';
import { createLogger } from '../../lib/logger.ts';
import { ANONYMOUS } from '../../governance/caller.ts';
import { startOAuthScene } from '../../../test/kit/oauth.ts';
import { oauthCallbackRoutes } from './oauth-callback.ts';

const logger = createLogger({ level: 'silent', style: 'json' });
const noAudit = { with: () => ({ append: async () => undefined }) } as unknown as Parameters<
  typeof oauthCallbackRoutes
>[0]['audit'];

async function startPages() {
  const scene = await startOAuthScene();
  const { oauth, database } = scene;
  const routes = oauthCallbackRoutes({ oauth, database, audit: noAudit, logger });
  const app = createApi({ routes, identify: () => ANONYMOUS, version: '1', logger });
  return Object.assign(scene, {
    async get(path: string, init: RequestInit = {}) {
      const response = await app.request(`http://127.0.0.1:8080${path}`, init);
      return { status: response.status, headers: response.headers, text: await response.text() };
    },
  });
}

const callback = (query: URLSearchParams): string => `/api/oauth/callback?${query.toString()}`;

test('the page after a sign-in tells the window that opened it, of the same origin only, and runs nothing else', async () => {
  await using pages = await startPages();
  const { begun, query } = await pages.begin();
  const { status, headers, text } = await pages.get(callback(query));
  expect(status).toBe(200);
  expect(headers.get('content-type')).toMatch(/^text\/html/);
  const script = /<script>(.*)<\/script>/s.exec(text)?.[1] ?? '';
  expect(script).toContain('"type":"oauth_success"');
  expect(script).toContain(begun.oauth_config_id);
  expect(script).toContain(',window.location.origin)');
  const policy = headers.get('content-security-policy') ?? '';
  expect(policy).toContain(`script-src 'sha256-${createHash('sha256').update(script).digest('base64')}'`);
  expect(policy).toContain("default-src 'none'");
  expect(policy).toContain("frame-ancestors 'none'");
  expect(headers.get('cache-control')).toBe('no-store');
  expect(text).not.toContain(query.get('code'));
  expect((await pages.get(callback(query))).status).toBe(400);
});

test('a refusal is shown as text, never as markup, and announced as a failure', async () => {
  await using pages = await startPages();
  pages.server.consents = false;
  const { query } = await pages.begin();
  expect(query.get('error_description')).toContain('<b>');
  const { status, text } = await pages.get(callback(query));
  expect(status).toBe(400);
  expect(text).toContain('access_denied');
  expect(text).not.toContain('<b>');
  expect(text).toContain('"type":"oauth_failed"');
});

test('missing parameters are 400, and a code that cannot be redeemed is 500', async () => {
  await using pages = await startPages();
  for (const path of [
    '/api/oauth/callback',
    '/api/oauth/callback?code=x',
    '/api/oauth/callback?state=unknown&code=x',
  ]) {
    expect((await pages.get(path)).status, path).toBe(400);
  }
  const { begun, query } = await pages.begin();
  query.set('code', 'made-up');
  const { status, text } = await pages.get(callback(query));
  expect(status).toBe(500);
  expect(text).toContain('invalid_grant');
  const answer = await pages.get(`/api/oauth/config/${begun.oauth_config_id}/status`);
  expect(JSON.parse(answer.text)).toMatchObject({ id: begun.oauth_config_id, status: 'failed' });
});

test('the cookie of the browser that began is asked for', async () => {
  await using pages = await startPages();
  const bind = 'a-random-text-of-the-first-browser';
  const { query } = await pages.begin({}, { bind });
  expect((await pages.get(callback(query))).status).toBe(403);
  const other = { headers: { cookie: 'asbru_sign_in=a-random-text-of-the-other-browser' } };
  expect((await pages.get(callback(query), other)).status).toBe(403);
  const own = { headers: { cookie: `theme=dark; asbru_sign_in=${bind}` } };
  expect((await pages.get(callback(query), own)).status).toBe(200);
});

test('a revoked configuration stays, without its token', async () => {
  await using pages = await startPages();
  const { config } = await pages.signIn();
  const path = `/api/oauth/config/${config.id}`;
  const status = JSON.parse((await pages.get(`${path}/status`)).text) as object;
  expect(status).toMatchObject({ status: 'authorized', token_scopes: ['tools'] });
  const revoked = await pages.get(path, { method: 'DELETE' });
  expect(JSON.parse(revoked.text)).toEqual({ message: 'OAuth token revoked successfully' });
  expect(JSON.parse((await pages.get(`${path}/status`)).text)).toMatchObject({ status: 'revoked' });
  expect((await pages.get(path, { method: 'DELETE' })).status).toBe(404);
  expect((await pages.get('/api/oauth/config/nobody/status')).status).toBe(404);
});

test('without a public https address there is no document about the gateway', async () => {
  await using pages = await startPages();
  expect((await pages.get('/api/oauth/client-metadata.json')).status).toBe(404);
});
