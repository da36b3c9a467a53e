import type { HeaderFlowView, OAuthFlowView } from '../../contract/mcp-session.ts';
import { html, type Html, type Page } from './html.ts';

/** Names of the fields of the form that are ours; those of headers begin with `header:`. */
export const HEADER_FIELD = 'header:';

/** Hands the token over that stands in the fragment of the link, which only a script can read, and takes it out of sight. */
const OPEN = `const token = new URLSearchParams(location.hash.slice(1)).get('t');
if (token) {
  history.replaceState(null, '', location.pathname + location.search);
  document.getElementById('token').value = token;
  document.getElementById('open').submit();
}`;

/** The first thing anybody sees, whether there is such a flow or not. */
export function openingPage(flowId: string): Page {
  return {
    status: 200,
    title: 'Connect to an MCP server',
    script: OPEN,
    body: html`<p>
        This page lets you give an MCP server what it needs to know you. It opens by itself if your link ends in
        <code>#t=…</code>; without scripts, paste what follows <code>#t=</code>.
      </p>
      <form method="post" action="auth" id="open" autocomplete="off">
        <input type="hidden" name="flow" value="${flowId}" />
        <label for="token">Code from your link</label>
        <input id="token" name="token" type="password" autocomplete="off" required />
        <button type="submit">Open</button>
      </form>
      <p class="hint">
        A link without such a code is for people who manage this gateway: sign in to its dashboard first, or ask its
        administrator to switch on <code>mcp_enable_temp_token_auth</code>.
      </p>`,
  };
}

/** The form. `ticket` is the right to submit it, and nobody else's page has it. */
export function formPage(flow: HeaderFlowView, ticket: string, error?: { status: number; text: string }): Page {
  const { mcp_client, required_header_keys, submitted_keys, has_active_credential, label } = flow;
  return {
    status: error?.status ?? 200,
    title: `Connect to ${mcp_client.name}`,
    body: html`${error !== undefined && alert(error.text)}
      <p>
        The MCP server <strong>${mcp_client.name}</strong> wants to know who calls it. What you enter is sent to that
        server alone, is kept encrypted, and is used for ${whose(flow)}.
      </p>
      <p class="note">
        Only go on if you asked for this yourself. If somebody else sent you this link, they would act in your name.
      </p>
      ${has_active_credential && html`<p class="note">There is a working credential already, so there is nothing to do. What you enter replaces it.</p>`}
      <form method="post" action="auth" autocomplete="off">
        <input type="hidden" name="ticket" value="${ticket}" />
        ${required_header_keys.map((key, index) => headerField(key, index, submitted_keys.includes(key)))}
        <label for="account">Name of this account (optional)</label>
        <input
          id="account"
          name="account"
          type="text"
          maxlength="64"
          value="${label}"
          autocomplete="off"
          aria-describedby="account-hint"
        />
        <p class="hint" id="account-hint">
          Only if you have several accounts with this server. Calls choose one with the header
          <code>x-asbru-account</code>.
        </p>
        <button type="submit">Connect</button>
      </form>`,
  };
}

/** What a sign-in is for. It begins with a click, so that a link alone does nothing in anybody's name. */
export function consentPage(flow: OAuthFlowView, ticket: string): Page {
  const { name } = flow.mcp_client;
  return {
    status: 200,
    title: `Connect to ${name}`,
    body: html`<p>
        The MCP server <strong>${name}</strong> wants to know who calls it. You sign in where that server sends you, and
        your account there is used for ${whose(flow)}.
      </p>
      ${flow.label !== '' && html`<p>It is kept as the account <strong>${flow.label}</strong>.</p>`}
      <p class="note">
        Only go on if you asked for this yourself. If somebody else sent you this link, they would act in your name.
      </p>
      <form method="post" action="auth">
        <input type="hidden" name="ticket" value="${ticket}" />
        <button type="submit">Go on and sign in</button>
      </form>`,
  };
}

/**
 * Leads on to the authorization server. A page, since the policy of the form's page forbids that its answer leads elsewhere,
 * and where a sign-in leads in the end nobody can tell.
 */
export function forwardPage(server: string, url: string, cookie: string): Page {
  return {
    status: 200,
    title: `Sign in for ${server}`,
    leadsTo: url,
    cookie,
    body: html`<p role="status">You are taken to where you sign in.</p>
      <p><a href="${url}" rel="noreferrer">Sign in</a> if nothing happens.</p>`,
  };
}

/** All went well. */
export function donePage(server: string, label: string): Page {
  return {
    status: 200,
    title: `Connected to ${server}`,
    body: html`<p class="note" role="status">
        The server accepted what you entered. You can close this page and repeat the request.
      </p>
      ${label !== '' && html`<p>Calls use this account when they send the header <code>x-asbru-account: ${label}</code>, or when it is the only one.</p>`}`,
  };
}

/** Something is wrong with the link, not with what was entered. */
export function problemPage(status: number, text: string, retryAfter?: number): Page {
  return { status, title: 'This did not work', body: alert(text), retryAfter };
}

function alert(text: string): Html {
  return html`<p class="alert" role="alert" tabindex="-1" autofocus>${text}</p>`;
}

function headerField(key: string, index: number, isStored: boolean): Html {
  const hint = isStored && html`<p class="hint" id="hint-${index}">Entered before; leave it empty to keep it.</p>`;
  return html`<label for="field-${index}">${key}</label>
    <input
      id="field-${index}"
      name="${HEADER_FIELD}${key}"
      type="password"
      autocomplete="off"
      spellcheck="false"
      maxlength="8192"
      ${isStored ? html`aria-describedby="hint-${index}"` : html`required`}
    />
    ${hint}`;
}

function whose({
  flow_mode,
  user,
  virtual_key,
  session_id,
}: Pick<HeaderFlowView, 'flow_mode' | 'user' | 'virtual_key' | 'session_id'>): Html {
  if (flow_mode === 'user') return html`calls of <strong>${user?.name}</strong>`;
  if (flow_mode === 'vk') return html`every call with the virtual key <strong>${virtual_key?.name}</strong>`;
  return html`every call in the session <strong>${session_id}</strong>`;
}
