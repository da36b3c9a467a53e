import { escapeHtml } from './html.ts';

/** The page that says why somebody could not sign in. It runs nothing and loads nothing. */
export function renderSsoFailure(status: number, reason: string, headers: Readonly<Record<string, string>>): Response {
  const html = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Sign-in failed</title>
<main>
<h1>Sign-in failed</h1>
<p>${escapeHtml(reason)}</p>
<p><a href="/api/session/sso/login">Try again</a></p>
</main>
</html>
`;
  return new Response(html, {
    status,
    headers: {
      ...headers,
      'content-type': 'text/html; charset=utf-8',
      'content-security-policy': "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
      'cache-control': 'no-store',
      'referrer-policy': 'no-referrer',
      'x-content-type-options': 'nosniff',
    },
  });
}
