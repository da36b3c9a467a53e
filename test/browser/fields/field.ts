import type { Page } from 'playwright-core';
import { z } from 'zod';
import { McpClientUpdate } from '../../../src/contract/mcp-client.ts';
import type { ApiAnswer, TestGateway } from '../../kit/gateway.ts';
import type { TestKey } from '../../kit/keys.ts';
import type { Upstream } from '../../kit/upstream.ts';

type JsonObject = Record<string, unknown>;

/** What the rows share: a gateway, a page that is signed in, a server to register, and a key that is granted nothing. */
export interface World {
  readonly gateway: TestGateway;
  readonly page: Page;
  readonly upstream: Upstream;
  readonly key: TestKey;
  /** Ends what a row starts for itself. */
  readonly cleanup: AsyncDisposableStack;
}

/** One setting of a server: how a person changes it, what is sent, and where the change is seen. */
export interface FieldRow {
  /** What of the contract is changed, as paths such as `tls_config.ca_cert_pem`. */
  readonly fields: readonly [string, ...string[]];
  readonly says: string;
  readonly tab: 'tools' | 'connection' | 'credentials' | 'access';
  begin(world: World): FieldCase | Promise<FieldCase>;
}

/** A row on a server "c1" of its own. */
export interface FieldCase {
  /** What is registered as "c1"; a function registers it in its own way. */
  readonly client: JsonObject | (() => Promise<unknown>);
  /** Changes the setting through the form, up to the button that saves. */
  edit(page: Page): Promise<unknown>;
  /** The whole body of the PUT. */
  readonly sends: JsonObject;
  /** What the management API shows afterwards; `{ config: sends }` where it shows what was sent. */
  readonly shows?: JsonObject;
  /** What is to be done after saving, such as signing in. */
  finish?(page: Page): Promise<unknown>;
  /** Sees the effect where clients see it. */
  works(): Promise<void>;
}

/** Fields that no row changes, and why. */
export const NOT_EDITED: Readonly<Record<string, string>> = {
  client_id: 'the path of the request says it, and the page shows it',
  allow_by_default: 'another spelling of allow_on_all_virtual_keys',
};

/** What the page about PUT of the reference names; the contract has more. */
export const SEED_FIELDS = [
  ...['client_id', 'name', 'is_code_mode_client', 'connection_type', 'connection_string', 'stdio_config', 'auth_type'],
  ...['oauth_config_id', 'headers', 'tools_to_execute', 'tools_to_auto_execute', 'tool_pricing'],
  ...['allow_on_all_virtual_keys', 'per_user_header_keys', 'disabled', 'tls_config', 'vk_configs'],
];

/** What is edited as JSON, in one piece. */
const WHOLE = new Set(['oauth_config', 'token_exchange']);

/** Every path of the contract that a form has to offer. */
export function contractPaths(): string[] {
  return Object.entries(McpClientUpdate.shape).flatMap(([name, schema]) =>
    WHOLE.has(name) ? [name] : pathsIn(name, schema),
  );
}

function pathsIn(path: string, schema: z.core.$ZodType): string[] {
  if (schema instanceof z.ZodOptional || schema instanceof z.ZodNullable) return pathsIn(path, schema.unwrap());
  if (schema instanceof z.ZodArray) return pathsIn(path, schema.element);
  if (!(schema instanceof z.ZodObject)) return [path];
  return Object.entries(schema.shape as z.core.$ZodShape).flatMap(([name, part]) => pathsIn(`${path}.${name}`, part));
}

/** Expects a write to have worked, and gives its answer. */
export function done(answer: ApiAnswer): JsonObject {
  if (answer.status !== 200) throw new Error(`${answer.status} ${JSON.stringify(answer.body)}`);
  return answer.body;
}
