import { describe, expect, test } from 'vitest';
import { DATABASES } from '../kit/databases.ts';
import { callWith, startOAuthScene } from '../kit/oauth.ts';

describe.each(DATABASES)('on %s', (type) => {
  test('an administrator signs in, and the server lets the gateway in', async () => {
    await using scene = await startOAuthScene({ type });
    const { oauth, upstream, server } = scene;
    const finished = await scene.signIn();
    expect(finished).toMatchObject({ purpose: 'admin', client_id: 'wiki-id', identity: undefined });
    expect(await oauth.statusOf(finished.config.id)).toMatchObject({
      status: 'authorized',
      token_scopes: ['tools'],
    });
    expect(await callWith(scene.shared(), upstream.url)).toBe(200);
    expect(upstream.subjects).toEqual(['alice']);
    expect(server.tokenRequests[0]?.get('resource')).toBe(upstream.url);
    expect(oauth.obstacle(scene.client)).toBeUndefined();
  });
});
