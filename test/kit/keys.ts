import type { GatewayOptions } from '../../src/app.ts';
import type { VirtualKeyView } from '../../src/contract/governance.ts';
import { newPostgresUrl, type DATABASES } from './databases.ts';
import type { GatewayAccess } from './gateway.ts';
import type { McpEndpoint } from './wire.ts';

type JsonObject = Record<string, unknown>;

/** A virtual key of a running gateway; as an endpoint it is `/mcp` for whoever has that key. */
export interface TestKey extends McpEndpoint {
  readonly id: string;
  readonly name: string;
  readonly value: string;
}

/** Creates a virtual key, which must succeed. */
export async function createKey(gateway: GatewayAccess, name: string, settings: JsonObject = {}): Promise<TestKey> {
  const { status, body } = await gateway.api('POST', '/api/governance/virtual-keys', { name, ...settings });
  if (status !== 200) throw new Error(`create key: ${status} ${JSON.stringify(body)}`);
  const { id, value } = body['virtual_key'] as VirtualKeyView;
  return { id, name, value, address: gateway.address, apiKey: value };
}

/** A virtual key as the management API shows it. */
export async function getKey(gateway: GatewayAccess, { id }: Pick<TestKey, 'id'>): Promise<VirtualKeyView> {
  const { status, body } = await gateway.api('GET', `/api/governance/virtual-keys/${id}`);
  if (status !== 200) throw new Error(`get key: ${status} ${JSON.stringify(body)}`);
  return body['virtual_key'] as VirtualKeyView;
}

/** Changes a virtual key, which must succeed. */
export async function updateKey(gateway: GatewayAccess, { id }: Pick<TestKey, 'id'>, patch: JsonObject): Promise<void> {
  const { status, body } = await gateway.api('PUT', `/api/governance/virtual-keys/${id}`, patch);
  if (status !== 200) throw new Error(`update key: ${status} ${JSON.stringify(body)}`);
}

/** Options of a gateway that keeps everything in a new, empty database of this kind. */
export async function freshDatabase(type: (typeof DATABASES)[number]): Promise<GatewayOptions> {
  if (type === 'sqlite') return {};
  // Without a passphrase the key file would lie in the working directory.
  return { config: { config_store: { type, config: { url: await newPostgresUrl() } } }, passphrase: 'of a test' };
}
