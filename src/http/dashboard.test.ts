import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { brotliDecompressSync, gunzipSync } from 'node:zlib';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { temporaryDirectory } from '../../test/kit/temporary-directory.ts';
import { createServeDashboard } from './dashboard.ts';

const HTML = '<!doctype html><script>theme()</script><script type="module" src="/assets/a-1.js"></script>';
const SCRIPT = 'console.log("hello".repeat(1))'.repeat(50);

let folder: Awaited<ReturnType<typeof temporaryDirectory>>;

beforeEach(async () => {
  folder = await temporaryDirectory();
});

afterEach(() => folder[Symbol.asyncDispose]());

async function serveBuilt() {
  await mkdir(join(folder.path, 'assets'));
  await writeFile(join(folder.path, 'index.html'), HTML);
  await writeFile(join(folder.path, 'assets', 'a-1.js'), SCRIPT);
  await writeFile(join(folder.path, 'secret.txt'), 'not for the web');
  return asker(createServeDashboard(folder.path));
}

function asker(serve: ReturnType<typeof createServeDashboard>) {
  return (path: string, headers: Record<string, string> = {}, method = 'GET') =>
    serve(new Request(`http://gateway${path}`, { method, headers }));
}

const BROWSER = { accept: 'text/html,application/xhtml+xml,*/*;q=0.8' };

test('every page is index.html, which is asked for anew and runs nothing but its own scripts', async () => {
  const ask = await serveBuilt();
  for (const path of ['/', '/login', '/setup', '/workspace/mcp-registry/a?tab=tools']) {
    const answer = await ask(path);
    expect(answer?.status, path).toBe(200);
    expect(await answer?.text()).toBe(HTML);
    expect(answer?.headers.get('cache-control')).toBe('no-cache');
  }
  const policy = (await ask('/'))?.headers.get('content-security-policy') ?? '';
  expect(policy).toMatch(/^default-src 'none'; script-src 'self' 'sha256-[\w+/=]+'; style-src 'self';/);
  expect(policy).toContain("frame-ancestors 'none'");
});

test('hashed files are kept for ever, in the smallest encoding that is accepted', async () => {
  const ask = await serveBuilt();
  const brotli = await ask('/assets/a-1.js', { 'accept-encoding': 'gzip, deflate, br' });
  expect(brotli?.headers.get('cache-control')).toBe('public, max-age=31536000, immutable');
  expect(brotli?.headers.get('content-type')).toBe('text/javascript; charset=utf-8');
  expect(brotliDecompressSync(await bytes(brotli)).toString()).toBe(SCRIPT);
  const gzip = await ask('/assets/a-1.js', { 'accept-encoding': 'br;q=0, gzip' });
  expect(gunzipSync(await bytes(gzip)).toString()).toBe(SCRIPT);
  const plain = await ask('/assets/a-1.js');
  expect(plain?.headers.get('content-encoding')).toBeNull();
  expect(await plain?.text()).toBe(SCRIPT);
});

test('what the browser has is not sent again', async () => {
  const ask = await serveBuilt();
  const etag = (await ask('/'))?.headers.get('etag') ?? '';
  expect((await ask('/', { 'if-none-match': etag }))?.status).toBe(304);
  expect((await ask('/', { 'if-none-match': '"other"' }))?.status).toBe(200);
});

test('an unknown path is a page for a browser, and no business of the dashboard for a program', async () => {
  const ask = await serveBuilt();
  expect((await ask('/nowhere', BROWSER))?.status).toBe(200);
  expect(await ask('/nowhere', { accept: '*/*' })).toBeUndefined();
  for (const path of ['/api/nowhere', '/v1/nowhere', '/mcp/x', '/oauth2/x', '/.well-known/x', '/health/x', '/ws']) {
    expect(await ask(path, BROWSER), path).toBeUndefined();
  }
  expect(await ask('/', {}, 'POST')).toBeUndefined();
});

test('nothing outside the assets is served', async () => {
  const ask = await serveBuilt();
  for (const path of ['/secret.txt', '/assets/../secret.txt', '/assets/%2e%2e/secret.txt', '/assets/gone.js']) {
    expect(await ask(path), path).toBeUndefined();
  }
});

test('a dashboard that is not built says how to build it', async () => {
  const answer = await asker(createServeDashboard(folder.path))('/');
  expect(answer?.status).toBe(503);
  expect(await answer?.text()).toContain('npm run build');
});

async function bytes(answer: Response | undefined): Promise<Buffer> {
  return Buffer.from((await answer?.arrayBuffer()) ?? new ArrayBuffer(0));
}
