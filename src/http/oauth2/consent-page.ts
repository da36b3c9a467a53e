import { hash } from 'node:crypto';
import { escape } from '../pages/html.ts';
import type { OpenSignIn } from './consent.ts';
import { CONSENT_PATH } from './provider-config.ts';

/** A page for a browser. */
export interface Page {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly html: string;
}

const STYLE = `
:root { color-scheme: light dark; }
body { font: 1rem/1.5 system-ui, sans-serif; max-width: 30rem; margin: 0 auto; padding: 2rem 1rem; }
h1 { font-size: 1.4rem; overflow-wrap: anywhere; }
dl { display: grid; grid-template-columns: auto 1fr; gap: .25rem 1rem; }
dt { font-weight: 600; }
dd { margin: 0; overflow-wrap: anywhere; }
label { display: block; font-weight: 600; }
input { font: inherit; box-sizing: border-box; width: 100%; padding: .5rem; margin: .25rem 0 1rem; }
button { font: inherit; padding: .5rem 1rem; margin: 0 .5rem .5rem 0; }
[role=alert] { border-inline-start: .3rem solid #c22; padding-inline-start: .75rem; font-weight: 600; }
`;
const STYLE_SOURCE = `'sha256-${hash('sha256', STYLE, 'base64')}'`;

/** Asks whether a client may call in the user's name, and in which. Works without scripts. */
export function renderConsentPage(signIn: OpenSignIn, complaint?: { status: number; message: string }): Page {
  const { id, clientId, clientName, redirectUri, scopes, takesKey, takesNobody, user } = signIn;
  const where = placeOf(redirectUri);
  const facts = [
    ['Application', clientName],
    ['Its id', clientId],
    ['Sends you back to', where],
    ['Wants to', scopes.map((scope) => (scope === 'mcp' ? 'use MCP tools through this gateway' : scope)).join(', ')],
  ] as const;
  const form = (content: string): string =>
    `<form method="post" action="${CONSENT_PATH}?flow=${escape(id)}">${content}</form>`;
  const isBad = complaint === undefined ? '' : ' aria-invalid="true" aria-describedby="complaint"';
  const body = [
    `<h1>Let ${escape(clientName)} use this gateway?</h1>`,
    complaint === undefined ? '' : `<p role="alert" id="complaint">${escape(complaint.message)}</p>`,
    `<dl>${facts.map(([term, text]) => `<dt>${term}</dt><dd>${escape(text)}</dd>`).join('')}</dl>`,
    `<p>Go on only if you have just started this from that application. Its name is what it says of itself.</p>`,
    user === undefined ? '' : form(`<button name="action" value="user">Allow, as ${escape(user.name)}</button>`),
    takesKey
      ? form(
          `<label for="key">Virtual key</label>` +
            `<input id="key" name="key" type="password" required autofocus autocomplete="off" spellcheck="false"${isBad}>` +
            `<button name="action" value="vk">Allow</button>`,
        )
      : '',
    takesNobody ? form('<button name="action" value="session">Allow, without a key</button>') : '',
    takesKey || takesNobody || user !== undefined ? '' : '<p>Sign in to the dashboard in this browser first.</p>',
    form('<button name="action" value="deny">Do not allow</button>'),
  ];
  return page(complaint?.status ?? 200, 'Allow access', body.join('\n'), redirectUri);
}

/** Says why there is nothing to decide. */
export function renderErrorPage(status: number, message: string): Page {
  return page(status, 'Sign-in', `<h1>This sign-in cannot go on</h1>\n<p role="alert">${escape(message)}</p>`);
}

function page(status: number, title: string, body: string, redirectUri?: string): Page {
  // Browsers apply form-action to where a form leads in the end, so the client's address must be among them.
  const targets = redirectUri === undefined ? "'none'" : `'self' ${sourceOf(redirectUri)}`;
  const policy = `default-src 'none'; style-src ${STYLE_SOURCE}; form-action ${targets}; base-uri 'none'; frame-ancestors 'none'`;
  const html = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title} · Asbru</title>
<style>${STYLE}</style>
</head>
<body>
<main>
${body}
</main>
</body>
</html>
`;
  const headers = {
    'content-type': 'text/html; charset=utf-8',
    'content-security-policy': policy,
    'x-frame-options': 'DENY',
    'x-content-type-options': 'nosniff',
    // Not "no-referrer": forms would come with the Origin "null", which is refused.
    'referrer-policy': 'same-origin',
    'cache-control': 'no-store',
  };
  return { status, headers, html };
}

/** The host that a browser goes to, or the application for addresses that have none. */
function placeOf(redirectUri: string): string {
  const { host, protocol } = new URL(redirectUri);
  return /^https?:$/.test(protocol) ? host : `an application on this device (${protocol}//${host})`;
}

/** The address as a source in a policy. IPv6 hosts cannot be written there, and other schemes have no hosts. */
function sourceOf(redirectUri: string): string {
  const { origin, protocol, hostname } = new URL(redirectUri);
  return /^https?:$/.test(protocol) && !hostname.startsWith('[') ? origin : protocol;
}
