import { setTimeout as sleep } from 'node:timers/promises';
import { asAbortSignal, type CallSignal } from '../lib/call-signal.ts';
import { GatewayError } from '../lib/errors.ts';
import type { ProviderKey, ProviderNetwork } from '../store/providers.ts';
import { connectionError, readWhole, startExchange, type Arrived } from './exchange.ts';
import type { KeyHealth } from './key-health.ts';
import { errorOf } from './provider-failure.ts';
import type { ProviderClients } from './provider-clients.ts';
import type { ProviderCall } from './providers/provider.ts';
import type { Target } from './target.ts';

/** One request to one target. */
export interface Outgoing {
  readonly target: Target;
  readonly format: ProviderCall['format'];
  readonly isStream: boolean;
  /** The body for the model by the name that a key has for it. */
  readonly body: (model: string) => Buffer;
  /** Further headers, by lower-case names. */
  readonly headers: Readonly<Record<string, string>>;
  readonly signal: CallSignal;
  /** Hears of each attempt, and the key it is made with. */
  readonly onAttempt: (key: ProviderKey) => void;
}

/** A good answer. */
export interface Sent {
  readonly arrived: Arrived;
  /** The name under which the provider was asked for the model. */
  readonly model: string;
}

/** Sends to a target, with another key or once more where that can help. Throws what the last attempt met with. */
export type Send = (outgoing: Outgoing) => Promise<Sent>;

interface SendDeps {
  readonly clients: ProviderClients;
  readonly health: Pick<KeyHealth, 'note' | 'rotated'>;
  readonly random?: () => number;
}

/** What an error may say at most. */
const MAX_ERROR_BYTES = 256 * 1024;
/** The key is no good: another one may be. */
const KEY_REFUSED = new Set([401, 402, 403]);

export function createSend({ clients, health, random = Math.random }: SendDeps): Send {
  async function attempt(outgoing: Outgoing, key: ProviderKey, model: string): Promise<Arrived> {
    const { target, format, isStream, signal } = outgoing;
    const { name: provider, network, custom } = target.record;
    const body = outgoing.body(model);
    const { base_url: baseUrl } = network;
    const path = custom?.request_path_overrides[format];
    const { url, headers } = await target.provider.address({ format, model, isStream, body, key, baseUrl, path });
    const all = { 'content-type': 'application/json', ...outgoing.headers, ...headers };
    addExtra(all, network);
    const patience = {
      provider,
      headMs: network.default_request_timeout_in_seconds * 1000,
      idleMs: network.stream_idle_timeout_in_seconds * 1000,
    };
    const request = { method: 'POST' as const, url, headers: listOf(all), body };
    return startExchange(clients.open(target.record, url), request, patience, signal);
  }

  return async (outgoing) => {
    const { target, signal } = outgoing;
    const { network, name } = target.record;
    let usable = target.keys;
    let rested: ProviderKey | undefined;
    let former: ProviderKey | undefined;
    let last: unknown;
    for (let retries = 0; ;) {
      const key = pick(usable, rested, random);
      if (key === undefined) throw exhausted(name, last);
      const model = key.aliases[target.model] ?? target.model;
      if (former !== undefined && former !== key) health.rotated(former);
      former = key;
      outgoing.onAttempt(key);
      let status = 0;
      try {
        const arrived = await attempt(outgoing, key, model);
        ({ status } = arrived);
        // Other errors say nothing of the key.
        if (status < 300 || KEY_REFUSED.has(status)) health.note(key, status < 300);
        if (status < 300) return { arrived, model };
        last = errorOf(target, arrived, await readWhole(arrived, MAX_ERROR_BYTES));
      } catch (error) {
        // The address may take a request of its own, for a token.
        last = connectionError(error, name);
        if (signal.aborted || !isWorthRetry(last)) throw last;
      }
      if (KEY_REFUSED.has(status)) {
        usable = usable.filter((other) => other !== key);
        continue;
      }
      if ((status !== 0 && status !== 429 && status < 500) || retries >= network.max_retries) throw last;
      rested = status === 429 ? key : undefined;
      await sleep(backOff(network, retries, random), undefined, { signal: asAbortSignal(signal) }).catch(() => {
        throw new GatewayError('call_cancelled', 'the caller went away');
      });
      retries += 1;
    }
  };
}

function addExtra(headers: Record<string, string>, { extra_headers }: ProviderNetwork): void {
  for (const name in extra_headers) headers[name.toLowerCase()] = extra_headers[name]?.resolve() ?? '';
}

/** Names and values in turn. */
function listOf(headers: Readonly<Record<string, string>>): string[] {
  const list: string[] = [];
  for (const name in headers) list.push(name, headers[name] ?? '');
  return list;
}

/** One of the keys by weight; one that was just told to slow down only if it is the only one. */
function pick(
  keys: readonly ProviderKey[],
  rested: ProviderKey | undefined,
  random: () => number,
): ProviderKey | undefined {
  if (keys.length === 1) return keys[0];
  const others = keys.filter((key) => key !== rested);
  const candidates = others.length > 0 ? others : keys;
  const total = candidates.reduce((sum, { weight }) => sum + weight, 0);
  let point = random() * total;
  return candidates.find(({ weight }) => (point -= weight) < 0) ?? candidates.at(-1);
}

function backOff({ retry_backoff_initial, retry_backoff_max }: ProviderNetwork, attempt: number, random: () => number) {
  return Math.min(retry_backoff_initial * 2 ** attempt, retry_backoff_max) * (0.8 + random() * 0.4);
}

function isWorthRetry(error: unknown): boolean {
  return error instanceof GatewayError && error.code === 'provider_unreachable';
}

function exhausted(provider: string, cause: unknown): GatewayError {
  const reason = cause instanceof Error ? `; the last answer was: ${cause.message}` : '';
  return new GatewayError('upstream_credentials_exhausted', `provider ${provider} refused every key${reason}`, {
    cause,
    details: { provider },
  });
}
