import type { ApprovalNotice } from '../../src/contract/approval.ts';
import type { GatewayAccess } from './gateway.ts';
import { postModern, type HeaderChanges, type McpEndpoint } from './wire.ts';

/** What a run of code answered through `/mcp`. */
export interface RunAnswer {
  readonly text: string;
  readonly isError: boolean;
  readonly waiting: WaitingRun | undefined;
}

/** A run that stopped for a person. */
export interface WaitingRun {
  readonly continuation: string;
  readonly approvals: readonly ApprovalNotice[];
}

/** Runs code through `/mcp`. */
export function runCode(
  endpoint: McpEndpoint,
  code: string,
  { session, ...more }: { session?: string } & SendOptions = {},
): Promise<RunAnswer> {
  return sendRun(endpoint, { code, ...(session !== undefined && { session }) }, more);
}

interface SendOptions {
  readonly headers?: HeaderChanges;
  readonly signal?: AbortSignal;
}

/** Calls `executeToolCode` through `/mcp` with these arguments. */
export async function sendRun(endpoint: McpEndpoint, args: object, options: SendOptions = {}): Promise<RunAnswer> {
  const { reply, text } = await postModern(
    endpoint,
    'tools/call',
    { name: 'executeToolCode', arguments: args },
    options,
  );
  const content = reply.result?.['content'] as { text: string }[] | undefined;
  if (content === undefined) throw new Error(`executeToolCode: ${text}`);
  const meta = reply.result?.['_meta'] as { 'asbru/waiting'?: WaitingRun } | undefined;
  return {
    text: content.map((part) => part.text).join(''),
    isError: reply.result?.['isError'] === true,
    waiting: meta?.['asbru/waiting'],
  };
}

/** What a run waits for. Throws when it does not. */
export function waitingIn({ waiting, text }: RunAnswer): WaitingRun & { readonly approval: ApprovalNotice } {
  const [approval] = waiting?.approvals ?? [];
  if (waiting === undefined || approval === undefined) throw new Error(`it does not wait: ${text}`);
  return { ...waiting, approval };
}

/** The value that code returned, which must have ended well. */
export async function valueOf(
  endpoint: McpEndpoint,
  code: string,
  options: { session?: string } = {},
): Promise<unknown> {
  const { text, isError } = await runCode(endpoint, code, options);
  if (isError) throw new Error(text);
  return returned(text);
}

/** The value that an answer says the code returned. */
export function returned(text: string): unknown {
  return JSON.parse(/Return value: ([^]*?)\n\nEnvironment:/.exec(text)?.[1] ?? 'null');
}

/** Changes settings of code mode, which must succeed. */
export async function setCodeMode(gateway: GatewayAccess, settings: Record<string, unknown>): Promise<void> {
  const named = Object.entries(settings).map(([name, value]) => [`mcp_code_mode_${name}`, value]);
  const { status, body } = await gateway.api('PUT', '/api/config', { client_config: Object.fromEntries(named) });
  if (status !== 200) throw new Error(`settings: ${status} ${JSON.stringify(body)}`);
}
