import { Secret } from '../../src/lib/secret.ts';
import type { StoredKey } from '../../src/store/provider-keys.ts';
import type { ProviderRecord } from '../../src/store/providers.ts';

const secret = (place: string) => Secret.literal(`canary in ${place}`);

/** Every field filled with something that is not its default. */
export const FULL_PROVIDER: ProviderRecord = {
  ...{ name: 'mine', description: 'text', config_hash: 'abc', created_at: 1, updated_at: 2 },
  network: {
    base_url: 'https://llm.example',
    extra_headers: {
      'X-A': secret('a header'),
      ['__proto__']: secret('an odd header'),
      'X-Ref': Secret.parse('env.A'),
    },
    ...{ default_request_timeout_in_seconds: 3, max_retries: 4, retry_backoff_initial: 5, retry_backoff_max: 6 },
    ...{ stream_idle_timeout_in_seconds: 7, insecure_skip_verify: true, allow_private_network: true },
    ca_cert_pem: secret('a certificate'),
  },
  ...{ concurrency: 8, buffer_size: 9 },
  custom: {
    ...{ base_provider_type: 'openai', is_key_less: true, allowed_requests: { chat: true } },
    request_path_overrides: { chat: '/c' },
  },
  ...{ send_back_raw_request: true, send_back_raw_response: true, store_raw_request_response: true },
};

/** A key of it, the same. */
export const FULL_PROVIDER_KEY: StoredKey = {
  ...{ id: 'k', name: 'key', provider: 'mine', description: 'text', config_hash: 'def', created_at: 4, updated_at: 5 },
  ...{ models: ['a'], blacklisted_models: ['b'], weight: 0.25, enabled: false, aliases: { x: 'y' } },
  value: secret('a value'),
  azure: { endpoint: secret('an endpoint'), api_version: 'v1:looks-encrypted' },
  bedrock: {
    ...{ access_key: secret('an access key'), secret_key: secret('a secret key'), region: 'r' },
    session_token: Secret.parse('file.token'),
  },
  vertex: { project_id: 'p', region: 'q', auth_credentials: secret('credentials') },
};
