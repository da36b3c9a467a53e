import type { AuthType, ClientState, ConnectionType, McpClientView } from '../../../src/contract/mcp-client.ts';
import { Badge, type Tone } from '../ui/badge.tsx';
import { Tooltip } from '../ui/tooltip.tsx';

/** States in the words of the page. */
export const STATE_WORDS: Readonly<Record<ClientState, string>> = {
  connected: 'connected',
  disconnected: 'disconnected',
  error: 'error',
  pending_tools: 'listing tools',
  pending_verification: 'to be verified',
  needs_reauth: 'sign-in needed',
  disabled: 'disabled',
};

const TONES: Readonly<Record<ClientState, Tone>> = {
  connected: 'good',
  disconnected: 'bad',
  error: 'bad',
  pending_tools: 'accent',
  pending_verification: 'warn',
  needs_reauth: 'warn',
  disabled: 'plain',
};

/** Kinds of connection in words. */
export const TYPE_WORDS: Readonly<Record<ConnectionType, string>> = {
  http: 'HTTP',
  sse: 'SSE',
  stdio: 'STDIO',
  inprocess: 'In-process',
};

/** Ways to authenticate in words. */
export const AUTH_WORDS: Readonly<Record<AuthType, string>> = {
  none: 'None',
  headers: 'Headers',
  oauth: 'OAuth',
  per_user_oauth: 'OAuth per user',
  per_user_headers: 'Headers per user',
  token_exchange: 'Token exchange',
};

/** Whether a server has a connection for each of its callers instead of one for all. */
export function isPerUser(auth: AuthType): boolean {
  return auth === 'per_user_oauth' || auth === 'per_user_headers' || auth === 'token_exchange';
}

/** A state in a word. */
export function StateWord({ state }: { state: ClientState }) {
  return <Badge tone={TONES[state]}>{STATE_WORDS[state]}</Badge>;
}

/** Where a server stands; pointing at it says why. */
export function StateBadge({ server: { state, last_failure } }: { server: McpClientView }) {
  const badge = <StateWord state={state} />;
  if (last_failure === undefined || state === 'connected') return badge;
  return (
    <Tooltip text={`${last_failure.message}, since ${timeText(last_failure.since)}`}>
      <span className="inline-flex">{badge}</span>
    </Tooltip>
  );
}

/** A moment in words: how long ago, and after a day which day. */
export function timeText(moment: string, now = Date.now()): string {
  const seconds = Math.max(0, Math.round((now - new Date(moment).getTime()) / 1_000));
  if (seconds < 60) return `${seconds} s ago`;
  if (seconds < 3_600) return `${Math.floor(seconds / 60)} min ago`;
  if (seconds < 86_400) return `${Math.floor(seconds / 3_600)} h ago`;
  return new Date(moment).toLocaleString(undefined, { dateStyle: 'medium', timeStyle: 'short' });
}

/** How many of a server's tools a white list lets through. */
export function countAllowed(list: readonly string[], tools: McpClientView['tools']): number {
  return list.includes('*') ? tools.length : tools.filter(({ name }) => list.includes(name)).length;
}
