import { createHash } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { brotliCompress, constants, gzip } from 'node:zlib';
import { renderPage } from './html.ts';

/** Answers a request for a page or a file of the dashboard; undefined for what is none of its business. */
export type ServeDashboard = (request: Request) => Promise<Response | undefined>;

interface BuiltFile {
  readonly changedAt: number;
  readonly etag: string;
  readonly type: string;
  readonly policy: string | undefined;
  readonly bodies: Readonly<Record<Encoding, Buffer>>;
}

type Encoding = 'br' | 'gzip' | 'identity';

/** Lies two levels up from here and down in dist, in the sources and in dist alike. */
const BUILT = fileURLToPath(new URL('../../dist/dashboard/', import.meta.url));
/** Whoever asks for one of these is a program, also when its path is unknown. */
const NOT_OURS =
  /^\/(?:api|v1|mcp|sse|messages|ws|health|metrics|oauth2|openai|anthropic|genai|\.well-known)(?:[/?]|$)/;
const PAGES = /^\/(?:$|login$|setup$|workspace(?:\/|$))/;
const ASSET = /^\/assets\/[\w.-]+$/;
const TYPES: Readonly<Record<string, string>> = {
  '.css': 'text/css; charset=utf-8',
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.woff2': 'font/woff2',
};

/** Serves the built dashboard: files under their hashed names for ever, index.html for every page. */
export function createServeDashboard(folder = BUILT): ServeDashboard {
  const loaded = new Map<string, BuiltFile>();

  async function load(name: string): Promise<BuiltFile | undefined> {
    const path = join(folder, name);
    // A new build under a running gateway shows at once.
    const changedAt = await stat(path).then(
      ({ mtimeMs }) => mtimeMs,
      () => undefined,
    );
    if (changedAt === undefined) return undefined;
    const known = loaded.get(name);
    if (known?.changedAt === changedAt) return known;
    const fresh = await prepare(await readFile(path), name, changedAt);
    loaded.set(name, fresh);
    return fresh;
  }

  return async (request) => {
    if (request.method !== 'GET' && request.method !== 'HEAD') return undefined;
    const { pathname } = new URL(request.url);
    if (ASSET.test(pathname)) {
      const file = await load(pathname.slice(1));
      return file && write(request, file, 'public, max-age=31536000, immutable');
    }
    if (!isPage(request, pathname)) return undefined;
    const index = await load('index.html');
    return index === undefined ? notBuilt() : write(request, index, 'no-cache');
  };
}

function isPage({ headers }: Request, pathname: string): boolean {
  if (PAGES.test(pathname)) return true;
  return !NOT_OURS.test(pathname) && headers.get('accept')?.includes('text/html') === true;
}

async function prepare(content: Buffer, name: string, changedAt: number): Promise<BuiltFile> {
  const options = { params: { [constants.BROTLI_PARAM_QUALITY]: 9 } };
  const [br, gzipped] = await Promise.all([promisify(brotliCompress)(content, options), promisify(gzip)(content)]);
  return {
    changedAt,
    etag: `"${createHash('sha256').update(content).digest('base64url').slice(0, 22)}"`,
    type: TYPES[extname(name)] ?? 'application/octet-stream',
    policy: name === 'index.html' ? policyOf(content.toString()) : undefined,
    bodies: { br, gzip: gzipped, identity: content },
  };
}

/** Nothing from elsewhere, no inline script but those that were built in, no frame around it. */
function policyOf(html: string): string {
  const inline = [...html.matchAll(/<script>([\s\S]*?)<\/script>/g)].map(([, text = '']) => {
    return `'sha256-${createHash('sha256').update(text).digest('base64')}'`;
  });
  return [
    `default-src 'none'; script-src ${["'self'", ...inline].join(' ')}; style-src 'self'; font-src 'self'`,
    // What tools give as a result comes as data: or blob:.
    `img-src 'self' data: blob:; media-src data: blob:; connect-src 'self'`,
    `base-uri 'none'; form-action 'self'; frame-ancestors 'none'`,
  ].join('; ');
}

function write({ headers }: Request, file: BuiltFile, caching: string): Response {
  const encoding = chooseEncoding(headers.get('accept-encoding') ?? '');
  const etag = encoding === 'identity' ? file.etag : `${file.etag.slice(0, -1)}-${encoding}"`;
  const common = { etag, 'cache-control': caching, vary: 'accept-encoding' };
  if (headers.get('if-none-match')?.includes(etag) === true)
    return new Response(null, { status: 304, headers: common });
  const body = file.bodies[encoding];
  return new Response(new Uint8Array(body), {
    headers: {
      ...common,
      'content-type': file.type,
      'content-length': String(body.length),
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'no-referrer',
      ...(encoding === 'identity' ? {} : { 'content-encoding': encoding }),
      ...(file.policy === undefined ? {} : { 'content-security-policy': file.policy }),
    },
  });
}

function chooseEncoding(accepted: string): Encoding {
  const names = accepted.split(',').filter((part) => !/;\s*q=0(?:\.0*)?\s*$/.test(part));
  const isAccepted = (wanted: string): boolean => names.some((part) => part.trim().split(/[;\s]/)[0] === wanted);
  return isAccepted('br') ? 'br' : isAccepted('gzip') ? 'gzip' : 'identity';
}

function notBuilt(): Response {
  return renderPage({
    status: 503,
    title: 'The dashboard is not built yet',
    body: '<p>Run <code>npm run build</code> where the gateway is installed, then load this page again. <code>npm start</code> does it by itself.</p><p>The gateway works without it: the API is at <a href="/api/openapi.json">/api/openapi.json</a>.</p>',
  });
}
