import { randomBytes } from 'node:crypto';
import type { ServerResponse } from 'node:http';

/** Markup that is safe to send: made by {@link html} alone. */
export interface Html {
  readonly markup: string;
}

type Part = string | number | Html | undefined | false | readonly Html[];

/** Markup with values put in; whatever is not markup itself is escaped. */
export function html(texts: TemplateStringsArray, ...parts: readonly Part[]): Html {
  return { markup: texts.map((text, index) => text + (index < parts.length ? write(parts[index]) : '')).join('') };
}

function write(part: Part): string {
  if (part === undefined || part === false) return '';
  if (typeof part === 'string' || typeof part === 'number') return escape(String(part));
  return 'markup' in part ? part.markup : part.map(({ markup }) => markup).join('');
}

const ESCAPED: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/** Text as HTML shows it. */
export function escape(text: string): string {
  return text.replaceAll(/[&<>"']/g, (character) => ESCAPED[character] ?? character);
}

/** A page that needs nothing else: no dashboard, no files, and mostly no script. */
export interface Page {
  readonly status: number;
  readonly title: string;
  readonly body: Html;
  /** The one script of the page, if it has one; it must hold no value from outside. */
  readonly script?: string;
  /** Where the browser goes by itself. */
  readonly leadsTo?: string;
  readonly cookie?: string;
  readonly retryAfter?: number | undefined;
}

const STYLE = `:root{color-scheme:light dark;font:1rem/1.5 system-ui,sans-serif}
body{margin:0;display:grid;place-items:start center;padding:2rem 1rem}
main{max-width:34rem;width:100%}
h1{font-size:1.4rem}
label{display:block;margin:1rem 0 .25rem;font-weight:600}
input{box-sizing:border-box;width:100%;padding:.5rem;font:inherit;border:1px solid #767676;border-radius:4px}
button{margin-top:1.5rem;padding:.6rem 1.2rem;font:inherit;border:0;border-radius:4px;background:#1a4fb4;color:#fff}
:focus-visible{outline:3px solid #1a73e8;outline-offset:2px}
.hint{font-size:.9rem;margin:.25rem 0}
.alert{border-left:4px solid #c62828;padding:.5rem 1rem}
.note{border-left:4px solid #1a73e8;padding:.5rem 1rem}`;

/** Sends a page under a policy that lets nothing run or load but its own style and script. */
export function sendPage(
  response: ServerResponse,
  { status, title, body, script, leadsTo, cookie, retryAfter }: Page,
): void {
  const nonce = randomBytes(16).toString('base64');
  const page = html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="robots" content="noindex" />
        ${leadsTo !== undefined && html`<meta http-equiv="refresh" content="0; url=${leadsTo}" />`}
        <title>${title}</title>
        <style nonce="${nonce}">
          ${{ markup: STYLE }}
        </style>
      </head>
      <body>
        <main>
          <h1>${title}</h1>
          ${body}
        </main>
        ${
          script !== undefined &&
          html`<script nonce="${nonce}">
            ${{ markup: script }};
          </script>`
        }
      </body>
    </html> `;
  const bytes = Buffer.from(page.markup);
  response.writeHead(status, {
    'content-type': 'text/html; charset=utf-8',
    'content-length': bytes.length,
    'content-security-policy': [
      "default-src 'none'",
      `style-src 'nonce-${nonce}'`,
      ...(script === undefined ? [] : [`script-src 'nonce-${nonce}'`]),
      "form-action 'self'",
      "base-uri 'none'",
      "frame-ancestors 'none'",
    ].join('; '),
    'x-frame-options': 'DENY',
    'x-content-type-options': 'nosniff',
    // Not "no-referrer": a browser would then send its forms with the origin "null", as a foreign page does.
    'referrer-policy': 'same-origin',
    'cross-origin-opener-policy': 'same-origin',
    'cache-control': 'no-store',
    ...(cookie !== undefined && { 'set-cookie': cookie }),
    ...(retryAfter !== undefined && { 'retry-after': String(retryAfter) }),
    // What is left of a body that was refused is not read.
    ...(!response.req.complete && { connection: 'close' }),
  });
  response.end(response.req.method === 'HEAD' ? undefined : bytes);
}
