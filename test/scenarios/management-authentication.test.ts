import { expect, test } from 'vitest';
import { messageIn } from '../kit/gateway.ts';
import { startScene } from '../kit/scene.ts';

const body = { name: 'stolen' };

test('a management request without a usable credential gets 401 and changes nothing', async () => {
  await using scene = await startScene();
  const { gateway, id } = scene;
  const before = await gateway.getClient(id);
  const credentials: Record<string, string>[] = [
    { authorization: '' },
    { authorization: '', 'x-api-key': gateway.apiKey },
    { authorization: 'Bearer sk-bf-0123456789abcdef' },
    { authorization: 'Bearer ' },
    { authorization: `Bearer ${gateway.apiKey}x` },
    { authorization: gateway.apiKey },
    { authorization: `Basic ${btoa('admin:admin')}` },
    { authorization: '', cookie: `token=${gateway.apiKey}` },
  ];
  for (const headers of credentials) {
    const answer = await gateway.api('PUT', `/api/mcp/client/${id}`, body, headers);
    expect(answer.status, JSON.stringify(headers)).toBe(401);
    messageIn(answer);
  }
  expect(await gateway.getClient(id)).toEqual(before);
});

test('every management route wants a credential, known or not', async () => {
  await using scene = await startScene();
  const { gateway, id } = scene;
  const routes = [
    ['GET', '/api/mcp/clients'],
    ['POST', '/api/mcp/client'],
    ['DELETE', `/api/mcp/client/${id}`],
    ['POST', `/api/mcp/client/${id}/reconnect`],
    ['POST', `/api/mcp/client/${id}/refresh-tools`],
    ['GET', '/api/api-keys'],
    ['POST', '/api/api-keys'],
    ['GET', '/api/config'],
    ['PUT', '/api/config'],
    ['PUT', '/api/mcp/client/nobody'],
  ] as const;
  for (const [method, path] of routes) {
    const sent = method === 'GET' ? undefined : {};
    const answer = await gateway.api(method, path, sent, { authorization: '' });
    expect(answer.status, `${method} ${path}`).toBe(401);
    messageIn(answer);
  }
});
