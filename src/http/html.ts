import { createHash } from 'node:crypto';

/** A page for a browser, without anything from elsewhere. */
export interface Page {
  readonly status: number;
  readonly title: string;
  /** HTML; what comes from outside must have passed through {@link escapeHtml}. */
  readonly body: string;
  /** Runs in the page; allowed by its hash. */
  readonly script?: string | undefined;
  readonly headers?: Readonly<Record<string, string>>;
}

const STYLE = `body{font:1rem/1.5 system-ui,sans-serif;max-width:40rem;margin:3rem auto;padding:0 1rem;color:#1a1a1a;background:#fff}
@media (prefers-color-scheme:dark){body{color:#eee;background:#151515}}h1{font-size:1.4rem}`;

/** Text as HTML shows it. */
export function escapeHtml(text: string): string {
  return text.replaceAll(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}

/** Renders a page that cannot be framed, loads nothing and runs its own script only. */
export function renderPage({ status, title, body, script, headers }: Page): Response {
  const scripts = script === undefined ? '' : ` script-src '${hashOf(script)}';`;
  const policy = `default-src 'none'; style-src '${hashOf(STYLE)}';${scripts} base-uri 'none'; form-action 'self'; frame-ancestors 'none'`;
  const html = `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>${escapeHtml(title)}</title><style>${STYLE}</style></head>
<body><main><h1>${escapeHtml(title)}</h1>${body}</main>${script === undefined ? '' : `<script>${script}</script>`}</body></html>
`;
  return new Response(html, {
    status,
    headers: {
      'content-type': 'text/html; charset=utf-8',
      'content-security-policy': policy,
      'cache-control': 'no-store',
      'referrer-policy': 'no-referrer',
      'x-content-type-options': 'nosniff',
      ...headers,
    },
  });
}

function hashOf(text: string): string {
  return `sha256-${createHash('sha256').update(text).digest('base64')}`;
}
