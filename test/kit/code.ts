import type { GatewayAccess } from './gateway.ts';
import { postModern, type HeaderChanges, type McpEndpoint } from './wire.ts';

/** What a run of code answered through `/mcp`. */
export interface RunAnswer {
  readonly text: string;
  readonly isError: boolean;
}

/** Runs code through `/mcp`. */
export async function runCode(
  endpoint: McpEndpoint,
  code: string,
  { session, headers, signal }: { session?: string; headers?: HeaderChanges; signal?: AbortSignal } = {},
): Promise<RunAnswer> {
  const args = { code, ...(session !== undefined && { session }) };
  const { reply, text } = await postModern(
    endpoint,
    'tools/call',
    { name: 'executeToolCode', arguments: args },
    { ...(headers && { headers }), ...(signal && { signal }) },
  );
  const content = reply.result?.['content'] as { text: string }[] | undefined;
  if (content === undefined) throw new Error(`executeToolCode: ${text}`);
  return { text: content.map((part) => part.text).join(''), isError: reply.result?.['isError'] === true };
}

/** The value that code returned, which must have ended well. */
export async function valueOf(
  endpoint: McpEndpoint,
  code: string,
  options: { session?: string } = {},
): Promise<unknown> {
  const { text, isError } = await runCode(endpoint, code, options);
  if (isError) throw new Error(text);
  return JSON.parse(/Return value: ([^]*?)\n\nEnvironment:/.exec(text)?.[1] ?? 'null');
}

/** Changes settings of code mode, which must succeed. */
export async function setCodeMode(gateway: GatewayAccess, settings: Record<string, unknown>): Promise<void> {
  const named = Object.entries(settings).map(([name, value]) => [`mcp_code_mode_${name}`, value]);
  const { status, body } = await gateway.api('PUT', '/api/config', { client_config: Object.fromEntries(named) });
  if (status !== 200) throw new Error(`settings: ${status} ${JSON.stringify(body)}`);
}
