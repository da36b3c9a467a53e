import type { ProviderKeyUpdate } from '../contract/provider.ts';
import { Secret, type SecretInput } from '../lib/secret.ts';
import type { StoredKey } from '../store/provider-keys.ts';
import type { ProviderKey, ProviderRecord } from '../store/providers.ts';
import { invalid } from './limit-rules.ts';
import { checkModels } from './model-names.ts';
import { checkHeaderText, isKeyOptional, takeSecret } from './provider-settings.ts';

/** What a key is known by, and what of it no body can say. */
export interface KeyIdentity {
  readonly id: string;
  readonly provider: string;
  readonly config_hash: string;
  readonly created_at: number;
}

/** A key without any settings: every model, an equal share. */
export function blankProviderKey(identity: KeyIdentity): StoredKey {
  return {
    ...identity,
    name: '',
    value: Secret.empty,
    models: ['*'],
    blacklisted_models: [],
    weight: 1,
    enabled: true,
    aliases: {},
    description: '',
    azure: undefined,
    bedrock: undefined,
    vertex: undefined,
    updated_at: identity.created_at,
  };
}

interface KeyContext {
  readonly provider: Pick<ProviderRecord, 'name' | 'custom'>;
  readonly now: number;
  /** Where in the body the key is, such as "keys[0]."; absent at its top. */
  readonly place?: string;
}

/**
 * The key after a write: absent keeps, null goes back to the default, a mask keeps the secret. Pure; throws the first rule that
 * is broken.
 */
export function applyProviderKey(stored: StoredKey, body: ProviderKeyUpdate, context: KeyContext): StoredKey {
  const { provider, now, place = '' } = context;
  const keep = <T>(sent: T | null | undefined, before: T, byDefault: T): T =>
    sent === undefined ? before : (sent ?? byDefault);
  const next: StoredKey = {
    ...stored,
    name: body.name ?? stored.name,
    value: secret(`${place}value`, body.value, stored.value),
    models: keep<readonly string[]>(body.models, stored.models, []),
    blacklisted_models: keep<readonly string[]>(body.blacklisted_models, stored.blacklisted_models, []),
    weight: keep(body.weight, stored.weight, 1),
    enabled: keep(body.enabled, stored.enabled, true),
    aliases: keep<ProviderKey['aliases']>(body.aliases, stored.aliases, {}),
    description: keep(body.description, stored.description, ''),
    azure: azure(body.azure_key_config, stored.azure, place),
    bedrock: bedrock(body.bedrock_key_config, stored.bedrock, place),
    vertex: vertex(body.vertex_key_config, stored.vertex, place),
    updated_at: now,
  };
  if (!next.value.isSet && !isKeyOptional(provider))
    throw invalid(`${place}value`, `is required: a key of "${provider.name}" without one opens nothing`);
  checkHeaderText(`${place}value`, next.value);
  checkModels(next.models, `${place}models`);
  checkModels(next.blacklisted_models, `${place}blacklisted_models`);
  return next;
}

function secret(field: string, sent: SecretInput | null | undefined, stored: Secret | undefined): Secret {
  return sent === undefined ? (stored ?? Secret.empty) : takeSecret(field, sent, stored);
}

function azure(
  sent: ProviderKeyUpdate['azure_key_config'],
  stored: ProviderKey['azure'],
  place: string,
): ProviderKey['azure'] {
  if (sent === undefined) return stored;
  if (sent === null) return undefined;
  const field = `${place}azure_key_config.endpoint`;
  const endpoint = takeSecret(field, sent.endpoint, stored?.endpoint);
  if (!endpoint.isSet) throw invalid(field, 'must not be empty');
  if (endpoint.reference === '' && !/^https?:\/\//i.test(endpoint.resolve()))
    throw invalid(field, 'must be an http:// or https:// URL');
  return { endpoint, api_version: sent.api_version ?? '' };
}

function bedrock(
  sent: ProviderKeyUpdate['bedrock_key_config'],
  stored: ProviderKey['bedrock'],
  place: string,
): ProviderKey['bedrock'] {
  if (sent === undefined) return stored;
  if (sent === null) return undefined;
  const field = `${place}bedrock_key_config`;
  const next = {
    access_key: takeSecret(`${field}.access_key`, sent.access_key, stored?.access_key),
    secret_key: takeSecret(`${field}.secret_key`, sent.secret_key, stored?.secret_key),
    session_token: takeSecret(`${field}.session_token`, sent.session_token, stored?.session_token),
    region: sent.region ?? '',
  };
  if (next.access_key.isSet !== next.secret_key.isSet)
    throw invalid(`${field}.secret_key`, 'access_key and secret_key must be given together');
  return next;
}

function vertex(
  sent: ProviderKeyUpdate['vertex_key_config'],
  stored: ProviderKey['vertex'],
  place: string,
): ProviderKey['vertex'] {
  if (sent === undefined) return stored;
  if (sent === null) return undefined;
  const field = `${place}vertex_key_config.auth_credentials`;
  const auth_credentials = takeSecret(field, sent.auth_credentials, stored?.auth_credentials);
  return { project_id: sent.project_id, region: sent.region, auth_credentials };
}
