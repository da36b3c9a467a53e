import type { Approval, ApprovalNotice } from '../../src/contract/approval.ts';
import type { ApiAnswer, GatewayAccess } from './gateway.ts';
import { createKey, freshDatabase, type TestKey } from './keys.ts';
import type { DATABASES } from './databases.ts';
import { startScene, type Scene } from './scene.ts';
import { postModern, type McpEndpoint, type RpcAnswer } from './wire.ts';

type JsonObject = Record<string, unknown>;

/** A gateway and a server "c1", of which the tool `echo` wants approval; two virtual keys may call it. */
export interface ApprovalScene extends Scene {
  readonly ada: TestKey;
  readonly bob: TestKey;
}

/** Starts it in a new database of this kind. */
export async function startApprovalScene(
  type: (typeof DATABASES)[number] = 'sqlite',
  client: JsonObject = {},
): Promise<ApprovalScene> {
  const scene = await startScene({
    gateway: await freshDatabase(type),
    client: { tools_to_approve: ['echo'], allow_on_all_virtual_keys: true, ...client },
  });
  const [ada, bob] = [await createKey(scene.gateway, 'ada'), await createKey(scene.gateway, 'bob')];
  return Object.assign(scene, { ada, bob });
}

/** Calls `c1-echo` by hand in the modern revision. */
export function echo(endpoint: McpEndpoint, text: string, more: JsonObject = {}, headers = {}): Promise<RpcAnswer> {
  return postModern(endpoint, 'tools/call', { name: 'c1-echo', arguments: { text, ...more } }, { headers });
}

/** "ok", or the code of the refusal. */
export function codeIn({ reply, text }: RpcAnswer): string {
  if (reply.result !== undefined) return 'ok';
  const { code } = (reply.error?.data ?? {}) as { code?: string };
  return code ?? text;
}

/** What a refused call waits for. */
export function noticeIn({ reply, text }: RpcAnswer): ApprovalNotice {
  const { approval } = (reply.error?.data ?? {}) as { approval?: ApprovalNotice };
  if (approval === undefined) throw new Error(`no approval in ${text}`);
  return approval;
}

/** Says yes or no with the admin key. */
export function decide(
  gateway: GatewayAccess,
  { id }: { readonly id: string },
  what: 'approve' | 'deny',
  body?: JsonObject,
): Promise<ApiAnswer> {
  return gateway.api('POST', `/api/mcp/approvals/${id}/${what}`, body);
}

/** The approvals that a filter lets through. */
export async function listApprovals(gateway: GatewayAccess, query = ''): Promise<Approval[]> {
  const { status, body } = await gateway.api('GET', `/api/mcp/approvals?${query}`);
  if (status !== 200) throw new Error(`approvals: ${status} ${JSON.stringify(body)}`);
  return body['approvals'] as Approval[];
}

/** The statuses of all approvals, or of those of one key, newest first. */
export async function statuses(gateway: GatewayAccess, key?: TestKey): Promise<string[]> {
  const query = key === undefined ? '' : `principal=virtual-key:${key.id}`;
  return (await listApprovals(gateway, query)).map(({ status }) => status);
}
