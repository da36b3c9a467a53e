import type { Diagnosis, DiagnosisStep } from '../../contract/diagnosis.ts';
import type { OAuthTraceStep } from '../../contract/oauth.ts';
import { messageOf } from '../../lib/errors.ts';
import type { McpClient } from '../../store/mcp-clients.ts';
import type { OAuthConfig } from '../../store/oauth-configs.ts';
import type { OAuthStore } from '../../store/oauth.ts';
import type { Exchanges } from '../exchange/exchanges.ts';
import { discover, probe, type Target } from './discovery.ts';
import {
  checkRegistration,
  explainSteps,
  hideTexts,
  judgeServer,
  judgeToken,
  secretsIn,
  tokenState,
} from './doctor-rules.ts';
import type { FetchFor } from './fetch.ts';
import type { TokenView } from './oauth.ts';
import { targetOf } from './sign-in-parts.ts';
import { createTrace, type Trace } from './trace.ts';

interface Deps {
  readonly store: Pick<OAuthStore, 'configs'>;
  readonly fetchFor: FetchFor;
  readonly tokens: (client_id: string) => readonly TokenView[];
  readonly exchanges: Pick<Exchanges, 'diagnose' | 'issuerOf' | 'traceOf'>;
  /** Whether authorization servers can read who the gateway is (client id metadata document). */
  readonly hasDocument: () => boolean;
}

/** Less than whoever asks waits. */
const LIMIT_MS = 20_000;
/** Asked afresh, so that what was recorded of them says nothing more. */
const DISCOVERY = /^(?:discovery|probe|.+_metadata)$/;

/** Makes the function that goes through all steps of signing in to a server. It asks, and changes nothing anywhere. */
export function createDiagnose({ store, fetchFor, tokens, exchanges, hasDocument }: Deps) {
  return async (client: McpClient): Promise<Diagnosis> => {
    const { auth_type, connection_type, client_id } = client;
    const isRemote = connection_type === 'http' || connection_type === 'sse';
    if (!isRemote) return conclude(client, [], `is a ${connection_type} server, which nobody signs in to`);
    const trace = openTrace(client);
    if (auth_type === 'token_exchange') return diagnoseExchange(client, trace);
    if (auth_type !== 'oauth' && auth_type !== 'per_user_oauth') {
      await attempt(trace, 'probe', () => probeOnly(client, targetOf(client), trace));
      return conclude(client, explainAll(client, trace.steps, 'now'), `does not use OAuth (auth_type ${auth_type})`);
    }
    const config = client.oauth_config_id === undefined ? undefined : await store.configs.find(client.oauth_config_id);
    await attempt(trace, 'discovery', () => discoverAgain(client, config, trace));
    const recorded = config === undefined ? [] : await store.configs.loadTrace(config.id);
    const mode = auth_type === 'oauth' ? 'shared' : 'admin';
    const token = tokens(client_id).find((each) => each.config_id === config?.id && each.mode === mode);
    const last = createTrace(fetchFor(undefined));
    judgeToken(token, config, last);
    const steps = [
      ...explainAll(client, trace.steps, 'now'),
      ...explainAll(
        client,
        recorded.filter(({ step }) => !DISCOVERY.test(step)),
        'recorded',
      ),
      ...explainAll(client, last.steps, 'now'),
    ];
    const state = token === undefined ? null : tokenState(token);
    return conclude(client, steps, 'is signed in to, and every step of it is in order', state);
  };

  /** What callers come with is not known here, so the exchange itself is shown as it last was. */
  async function diagnoseExchange(client: McpClient, trace: Trace): Promise<Diagnosis> {
    await attempt(trace, 'probe', async () => void (await probe(targetOf(client), trace)));
    const provider = openTrace(client, exchanges.issuerOf(client) ?? '');
    await attempt(provider, 'token_exchange_settings', () => exchanges.diagnose(client, provider));
    const steps = [
      ...explainAll(client, [...trace.steps, ...provider.steps], 'now'),
      ...explainAll(client, exchanges.traceOf(client.client_id), 'recorded'),
    ];
    return conclude(client, steps, 'can be reached, and so can the identity provider that exchanges tokens for it');
  }

  function openTrace(client: McpClient, address = client.connection_string.resolve()): Trace {
    const fetch = fetchFor(address);
    const limit = AbortSignal.timeout(LIMIT_MS);
    return createTrace((url, init = {}) => {
      const signals = [limit, ...(init.signal instanceof AbortSignal ? [init.signal] : [])];
      return fetch(url, { ...init, signal: AbortSignal.any(signals) });
    });
  }

  async function discoverAgain(client: McpClient, config: OAuthConfig | undefined, trace: Trace): Promise<void> {
    const given = config ?? NOTHING_GIVEN;
    const { server } = await discover(targetOf(client), given, trace);
    judgeServer(server, given.grant_type, trace);
    checkRegistration({ server, config, hasDocument: hasDocument(), trace });
  }
}

const NOTHING_GIVEN = {
  grant_type: 'authorization_code',
  authorize_url: undefined,
  token_url: undefined,
  registration_url: undefined,
  issuer: undefined,
} as const;

/** Whatever ends the steps early is a step that failed. */
async function attempt(trace: Trace, step: string, run: () => Promise<void>): Promise<void> {
  try {
    await run();
  } catch (error) {
    if (trace.steps.some(({ outcome }) => outcome === 'failed')) return;
    trace.note({ step, outcome: 'failed', detail: messageOf(error) });
  }
}

async function probeOnly({ auth_type }: McpClient, target: Target, trace: Trace): Promise<void> {
  await probe(target, trace);
  const status = trace.steps[0]?.response?.['status'];
  if (status !== 401) return;
  const hint =
    auth_type === 'none'
      ? 'Set auth_type to oauth with PUT /api/mcp/client/{id}, or to headers with the key that the server wants'
      : 'Correct the values of headers; if the server wants a sign-in, set auth_type to oauth';
  // What a caller would send is not known here, so a refusal says nothing.
  if (auth_type === 'per_user_headers') return;
  trace.note({
    step: 'auth_type',
    rule: 'RFC 9110 §15.5.2: 401 says that valid credentials are missing',
    outcome: 'failed',
    detail: `the server answers 401, although auth_type is ${auth_type}`,
    hint,
  });
}

function explainAll(
  client: McpClient,
  steps: readonly OAuthTraceStep[],
  source: DiagnosisStep['source'],
): DiagnosisStep[] {
  const secrets = secretsIn(client.connection_string.resolve());
  return explainSteps(steps).map((step) => {
    const explained = { ...step, source, ok: step.outcome !== 'failed' };
    return secrets.length === 0 ? explained : (hideTexts(explained, secrets) as DiagnosisStep);
  });
}

function conclude(
  { client_id, name, auth_type }: McpClient,
  steps: DiagnosisStep[],
  good: string,
  token: Diagnosis['token'] = null,
): Diagnosis {
  const failed = steps.filter(({ ok }) => !ok);
  const first = failed[0];
  const more = failed.length > 1 ? ` (and ${failed.length - 1} more)` : '';
  const verdict =
    first === undefined
      ? `"${name}" ${good}`
      : `"${name}": ${first.step} failed${more}: ${first.detail ?? 'see its answer'}`;
  return {
    ...{ mcp_client_id: client_id, mcp_client_name: name, auth_type },
    is_ok: first === undefined,
    verdict,
    steps,
    token,
  };
}
