import { expect, test } from 'vitest';
import { canonicalResource, isSafeEndpoint, resourceMetadataUrls } from './urls.ts';

test('only https, and http to this machine, is safe', () => {
  for (const safe of ['https://x.example/a?b=c', 'http://127.0.0.1:80/', 'http://localhost/x', 'http://[::1]:9/x']) {
    expect(isSafeEndpoint(safe), safe).toBe(true);
  }
  for (const bad of [
    'http://x.example/',
    'javascript:alert(1)',
    'data:text/html,x',
    'https://user@x.example/',
    'https://u:p@x.example/',
    'https://x.example/#f',
    'http://127.0.0.1.x.example/',
    'http://localhost.x.example/',
    '/relative',
    '',
  ]) {
    expect(isSafeEndpoint(bad), bad).toBe(false);
  }
});

test('a resource has no fragment and no slash at its end', () => {
  expect(canonicalResource('HTTPS://X.example/')).toBe('https://x.example');
  expect(canonicalResource('https://x.example/mcp/#here')).toBe('https://x.example/mcp');
  expect(canonicalResource('https://x.example/mcp?a=b')).toBe('https://x.example/mcp?a=b');
});

test('metadata is looked for beside the path, then at the root', () => {
  expect(resourceMetadataUrls('https://x.example/a/mcp/')).toEqual([
    'https://x.example/.well-known/oauth-protected-resource/a/mcp',
    'https://x.example/.well-known/oauth-protected-resource',
  ]);
  expect(resourceMetadataUrls('https://x.example')).toEqual(['https://x.example/.well-known/oauth-protected-resource']);
});
