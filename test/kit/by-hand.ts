import { accept, ASKABLE, type Heard } from './asked-clients.ts';
import type { GatewayAccess } from './gateway.ts';
import { postModern, type McpEndpoint, type RpcAnswer } from './wire.ts';

type JsonObject = Record<string, unknown>;

/** Somebody else with a key for `/mcp`. */
export async function otherCaller(gateway: GatewayAccess, name = 'other'): Promise<McpEndpoint> {
  const { body } = await gateway.api('POST', '/api/api-keys', { name, scopes: ['mcp'] });
  return { address: gateway.address, apiKey: String(body['key']) };
}

/** What a modern client holds after a result that asks for input. */
export interface Pending {
  readonly requestState: string;
  readonly inputRequests: Readonly<Record<string, Heard>>;
}

/** Sends a modern request of a client that can be asked everything. */
export function send(endpoint: McpEndpoint, method: string, params: JsonObject): Promise<RpcAnswer> {
  return postModern(endpoint, method, params, { capabilities: ASKABLE });
}

/** Sends a modern request, which must ask for input. */
export async function sendUntilAsked(endpoint: McpEndpoint, method: string, params: JsonObject): Promise<Pending> {
  const { reply, text } = await send(endpoint, method, params);
  if (reply.result?.['resultType'] !== 'input_required') throw new Error(`not asked: ${text}`);
  return reply.result as unknown as Pending;
}

/** The members of the retry in which everything is answered in this name. */
export function answersOf({ requestState, inputRequests }: Pending, name: string): JsonObject {
  const answers = Object.entries(inputRequests).map(([key, question]) => [key, accept(name, question)]);
  return { requestState, inputResponses: Object.fromEntries(answers) };
}
