import { hash } from 'node:crypto';
import type { ApiKeyScope } from '../contract/api-key.ts';
import type { ClientSettings } from '../contract/config.ts';
import { ANONYMOUS } from '../governance/caller.ts';
import type { Caller } from '../governance/caller.ts';
import { GatewayError } from '../lib/errors.ts';
import type { Logger } from '../lib/logger.ts';
import type { AccountStore, ActiveApiKey } from '../store/accounts.ts';
import type { Changes } from '../store/changes.ts';

/** Request headers by lower-case name, as Node and hono both give them. */
export type RequestHeaders = Readonly<Record<string, string | readonly string[] | undefined>>;

interface Deps {
  readonly accounts: Pick<AccountStore, 'loadActive' | 'touch'>;
  readonly changes: Pick<Changes, 'subscribe'>;
  /** The settings as they are now. */
  readonly settings: () => Pick<ClientSettings, 'enforce_auth_on_inference'>;
  readonly logger: Logger;
}

/** Tells who calls. Anything but a clear yes is a GatewayError. */
export interface Identify {
  /** The caller of a management request: an API key with that scope. */
  readonly identifyManagement: (headers: RequestHeaders, scope: ApiKeyScope) => Caller;
  /** The caller of `/mcp` or `/v1`: an API key with scope `mcp`, or nobody where settings allow it. */
  readonly identifyInference: (headers: RequestHeaders) => Caller;
}

interface KnownKey {
  readonly id: number;
  readonly expiresAt: number | undefined;
  readonly caller: Caller;
}

const EXPECTED = 'send "Authorization: Bearer <API key>"';
/** Where other gateways and SDKs put a key. None of them is accepted, but each deserves a precise answer. */
const OTHER_PLACES = ['x-bf-vk', 'x-api-key', 'x-goog-api-key', 'api-key'];
const TOUCH_INTERVAL = 60_000;
const MAX_RECENT = 1_000;

/** Loads the active API keys and follows their changes. A request costs one hash and one look-up, however many keys there are. */
export async function createIdentify({ accounts, changes, settings, logger }: Deps): Promise<Identify> {
  // Undefined after a failed reload: a key that may have been revoked must not go on working.
  let keys: ReadonlyMap<string, KnownKey> | undefined;
  let reloading: Promise<void> = Promise.resolve();
  const touched = new Map<number, number>();
  /** Keys that were used since the last change, as they were sent: spares the hash on every call. */
  const recent = new Map<string, KnownKey>();

  changes.subscribe(async (table) => {
    if (table === 'api_keys') await reload();
  });
  await reload();

  return {
    identifyManagement(headers, scope) {
      return demand(scope, findKey(headers));
    },
    identifyInference(headers) {
      const isOpen = !settings().enforce_auth_on_inference;
      return isOpen && !hasCredential(headers) ? ANONYMOUS : demand('mcp', findKey(headers));
    },
  };

  /** One reload after the other, so that the newest state is also the last to arrive. */
  function reload(): Promise<void> {
    reloading = load(reloading);
    return reloading;
  }

  async function load(previous: Promise<void>): Promise<void> {
    await previous;
    try {
      const active = await accounts.loadActive();
      recent.clear();
      keys = new Map(active.map((key) => [key.key_hash, knownKey(key)]));
    } catch (error) {
      keys = undefined;
      recent.clear();
      logger.error({ err: error }, 'API keys could not be loaded; every request is refused until they can');
    }
  }

  function findKey(headers: RequestHeaders): KnownKey {
    const token = readToken(headers);
    if (keys === undefined) {
      void reload();
      throw new GatewayError('database_unavailable', 'API keys cannot be checked at the moment');
    }
    const key = recent.get(token) ?? keys.get(hash('sha256', token));
    if (key !== undefined) remember(token, key);
    if (key === undefined) throw refuse('the API key is unknown or was revoked');
    const now = Date.now();
    if (key.expiresAt !== undefined && key.expiresAt <= now) throw refuse('the API key has expired');
    noteUse(key.id, now);
    return key;
  }

  function remember(token: string, key: KnownKey): void {
    if (recent.has(token)) return;
    if (recent.size >= MAX_RECENT) recent.clear();
    recent.set(token, key);
  }

  /** Once a minute and in the background: nobody waits for a time stamp. */
  function noteUse(id: number, now: number): void {
    if (now - (touched.get(id) ?? 0) < TOUCH_INTERVAL) return;
    touched.set(id, now);
    accounts.touch(id, now).catch((error: unknown) => {
      logger.warn({ err: error, api_key: id }, 'the last use of an API key could not be stored');
    });
  }
}

function knownKey({ id, name, scopes, expires_at }: ActiveApiKey): KnownKey {
  return {
    id,
    expiresAt: expires_at,
    caller: Object.freeze({ kind: 'operator', principal: `api-key:${id}`, name, scopes: Object.freeze([...scopes]) }),
  };
}

function demand(scope: ApiKeyScope, { caller }: KnownKey): Caller {
  if (caller.scopes.includes(scope)) return caller;
  throw new GatewayError('forbidden', `the API key "${caller.name}" lacks the scope "${scope}"`, {
    details: { scope },
  });
}

/** The token of `Authorization: Bearer`, or the refusal that says what was sent instead. */
function readToken(headers: RequestHeaders): string {
  const virtualKey = headers['x-bf-vk'];
  // A virtual key narrows what its bearer may do: passing over it would widen the rights.
  if (virtualKey !== undefined) throw refuse('virtual keys are not accepted here');
  const authorization = headers.authorization;
  if (authorization === undefined) {
    const place = OTHER_PLACES.find((name) => headers[name] !== undefined);
    throw refuse(place === undefined ? 'a credential is missing' : `the header ${place} is not accepted here`);
  }
  const [, scheme = '', token = ''] = /^(\S+)\s*(.*)$/s.exec(String(authorization)) ?? [];
  if (scheme.toLowerCase() !== 'bearer') throw refuse('only the Bearer scheme is accepted here');
  if (token.startsWith('sk-bf-')) throw refuse('virtual keys are not accepted here');
  if (token === '') throw refuse('the API key is empty');
  return token;
}

function hasCredential(headers: RequestHeaders): boolean {
  return headers.authorization !== undefined || OTHER_PLACES.some((name) => headers[name] !== undefined);
}

function refuse(reason: string): GatewayError {
  return new GatewayError('unauthorized', `${reason}; ${EXPECTED}`);
}
