import { afterEach, expect, test, vi } from 'vitest';
import { codeIn, echo, noticeIn, startApprovalScene } from '../kit/approvals.ts';
import { createKey } from '../kit/keys.ts';
import { callWith, expireTokens, startOAuthScene, type OAuthScene } from '../kit/oauth.ts';
import { waitFor } from '../kit/wait.ts';

const HOUR = 3_600_000;
const REFRESH = 'POST /token refresh_token';

afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

/** Sets the clock on the wall back; all else goes on. */
function setBack(): void {
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() - HOUR });
}

async function withdrawToken({ oauth, client, upstream }: OAuthScene): Promise<void> {
  const { authorization = '' } = await oauth.tokenFor(client, 'shared').headers();
  upstream.withdrawn.add(authorization.slice('Bearer '.length));
}

test('a call waits on the line for as long as it asked, not for as long as the clock was set back', async () => {
  await using scene = await startApprovalScene('sqlite');
  const key = await createKey(scene.gateway, 'waits');
  const notice = noticeIn(await echo(key, 'hi'));
  const call = echo(key, 'hi', {}, { 'x-asbru-approval-wait': '1' });
  setBack();
  expect(codeIn(await call)).toBe('approval_required');
  expect(noticeIn(await echo(key, 'hi')).id).toBe(notice.id);
});

test('a token that the server withdraws again, a minute later, is renewed', async () => {
  await using scene = await startOAuthScene();
  await scene.signIn();
  await withdrawToken(scene);
  expect(await callWith(scene.shared(), scene.upstream.url)).toBe(200);
  await withdrawToken(scene);
  const now = performance.now.bind(performance);
  vi.spyOn(performance, 'now').mockImplementation(() => now() + 61_000);
  setBack();
  expect(await callWith(scene.shared(), scene.upstream.url)).toBe(200);
  expect(scene.server.count(REFRESH)).toBe(2);
});

test('an authorization server that was in trouble is asked again as soon as ever', async () => {
  await using scene = await startOAuthScene();
  await scene.signIn();
  await expireTokens(scene);
  scene.server.tokenFault = 503;
  const call = (): Promise<number> => callWith(scene.shared(), scene.upstream.url).catch(() => 0);
  expect(await call()).toBe(0);
  scene.server.tokenFault = undefined;
  const ended = Date.now() - 2 * HOUR;
  await scene.database.db.updateTable('oauth_tokens').set({ expires_at: ended }).execute();
  await scene.changes.publish('oauth_tokens', '*');
  setBack();
  await waitFor(async () => (await call()) === 200, 'the token is renewed', 5_000);
});
