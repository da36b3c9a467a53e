import type { ClientState, FailureView } from '../contract/mcp-client.ts';

/** How a registered server came up. */
export interface ServerSummary {
  readonly name: string;
  readonly state: ClientState;
  readonly tools: number;
  readonly failure?: FailureView | undefined;
}

/** What the very first start says: the key, which is never shown again, and how to use it. */
export function firstStartText(
  address: string,
  apiKey: string,
  env: Readonly<Record<string, string | undefined>>,
): string {
  const isOurs = apiKey !== env.ASBRU_API_KEY;
  const shown = isOurs ? apiKey : '$ASBRU_API_KEY';
  const url = `${reachable(address)}/mcp`;
  const header = `Authorization: Bearer ${shown}`;
  const entry = { mcpServers: { asbru: { type: 'http', url, headers: { Authorization: `Bearer ${shown}` } } } };
  return [
    'Welcome to Asbru. This is the first start.',
    '',
    `  Dashboard        ${reachable(address)}/   (the key below makes the first account)`,
    `  Address          ${address}`,
    `  Admin API key    ${isOurs ? `${apiKey}   (shown only now)` : 'taken from ASBRU_API_KEY'}`,
    '',
    '  Connect Claude Code:',
    `    claude mcp add --transport http asbru ${url} --header "${header}"`,
    '  Or any other MCP client, in its mcp.json:',
    `    ${JSON.stringify(entry)}`,
    '',
  ].join('\n');
}

/** One line about one registered server. */
export function serverText({ name, state, tools, failure }: ServerSummary): string {
  if (state === 'connected') return `  ${name}: connected, ${tools} ${tools === 1 ? 'tool' : 'tools'}`;
  const reason = failure === undefined ? '' : `: ${failure.message}`;
  return `  ${name}: ${state.replaceAll('_', ' ')}${reason}`;
}

/** An address that listens everywhere is no address to connect to. */
function reachable(address: string): string {
  return address
    .replace('//0.0.0.0', '//localhost')
    .replace('//[::]', '//localhost')
    .replace('//127.0.0.1', '//localhost');
}
