import type { Fetch } from '../../lib/guarded-fetch.ts';
import type { ProviderKey } from '../../store/providers.ts';
import { geminiCodec } from '../formats/gemini/codec.ts';
import { joinAddress, JSON_BODY, requireSecret, requireSetting, segment } from './address.ts';
import { generateUrl } from './gemini.ts';
import { createGoogleTokens, type GoogleTokens } from './google-token.ts';
import type { Provider, ProviderCall } from './provider.ts';

/** API keys of Google look like this; every other value of a key is a ready access token. */
const API_KEY = /^(?:AIza|AQ\.)/;
/** Regions of several places have hosts of another form. */
const MULTI_REGIONS = new Set(['us', 'eu']);

/**
 * Gemini on Google Cloud. `fetch` gets access tokens for service accounts. Without a project, an API key opens what Google calls
 * express mode.
 */
export function createVertexProvider(deps: { fetch: Fetch; now?: () => number }): Provider {
  const tokens = createGoogleTokens(deps);
  return {
    formats: [],
    codec: geminiCodec,
    framing: 'sse',
    async address(call) {
      return { url: addressOf(call), headers: { ...(await credentials(call.key, tokens)), ...JSON_BODY } };
    },
  };
}

function addressOf({ key, model, baseUrl, path, isStream }: ProviderCall): URL {
  const project = key.vertex?.project_id ?? '';
  const region = project === '' ? 'global' : requireSetting(key, 'vertex_key_config.region', key.vertex?.region);
  const base = baseUrl ?? `https://${hostOf(region)}`;
  if (path !== undefined) return generateUrl(joinAddress(base, path), isStream, false);
  const place =
    project === '' ? '' : `/projects/${encodeURIComponent(project)}/locations/${encodeURIComponent(region)}`;
  return generateUrl(joinAddress(base, `/v1${place}/${resourceOf(model)}`), isStream);
}

function hostOf(region: string): string {
  if (region === 'global') return 'aiplatform.googleapis.com';
  return MULTI_REGIONS.has(region)
    ? `aiplatform.${region}.rep.googleapis.com`
    : `${encodeURIComponent(region)}-aiplatform.googleapis.com`;
}

/** `gemini-2.5-pro`, `google/gemini-2.5-pro`, `publishers/google/models/…`, or the number of a tuned model's endpoint. */
function resourceOf(model: string): string {
  const name = model.replace(/^google\//, '');
  if (/^\d+$/.test(name)) return `endpoints/${name}`;
  if (/^(?:publishers|endpoints)\//.test(name)) return name.split('/').map(segment).join('/');
  return `publishers/google/models/${segment(name)}`;
}

async function credentials(key: ProviderKey, tokens: GoogleTokens): Promise<Record<string, string>> {
  const account = key.vertex?.auth_credentials;
  if (account?.isSet === true) {
    const file = requireSecret(key, 'vertex_key_config.auth_credentials', account);
    return { authorization: `Bearer ${await tokens.find(file)}` };
  }
  const value = requireSecret(key, 'vertex_key_config.auth_credentials', key.value);
  return API_KEY.test(value) ? { 'x-goog-api-key': value } : { authorization: `Bearer ${value}` };
}
