import { hash } from 'node:crypto';
import type { ApiKeyScope } from '../contract/api-key.ts';
import type { ClientSettings } from '../contract/client-settings.ts';
import { ANONYMOUS } from '../governance/caller.ts';
import type { Caller } from '../governance/caller.ts';
import { demandUsable, type KeyCaller, type Policy } from '../governance/policy.ts';
import { GatewayError } from '../lib/errors.ts';
import { createKeptCopy } from '../lib/kept-copy.ts';
import type { Logger } from '../lib/logger.ts';
import type { AccountStore, ActiveApiKey } from '../store/accounts.ts';
import type { Changes } from '../store/changes.ts';

/** Request headers by lower-case name, as Node and hono both give them. */
export type RequestHeaders = Readonly<Record<string, string | readonly string[] | undefined>>;

interface Deps {
  readonly accounts: Pick<AccountStore, 'loadActive' | 'touch'>;
  readonly changes: Pick<Changes, 'subscribe'>;
  /** The settings as they are now. */
  readonly settings: () => Pick<ClientSettings, 'enforce_auth_on_inference' | 'required_headers'>;
  readonly policy: Pick<Policy, 'findCaller'>;
  readonly logger: Logger;
}

/** Tells who calls. Anything but a clear yes is a GatewayError. */
export interface Identify {
  /** The caller of a management request: an API key with that scope. */
  readonly identifyManagement: (headers: RequestHeaders, scope: ApiKeyScope) => Caller;
  /** The caller of `/mcp` or `/v1`: a virtual key, an API key with scope `mcp`, or nobody where settings allow it. */
  readonly identifyInference: (headers: RequestHeaders) => Caller;
  /** The id of the virtual key that a request comes with, which may be inactive; for what a key may ask of itself. */
  readonly identifyKey: (headers: RequestHeaders) => string;
}

interface KnownKey {
  readonly id: number;
  readonly expiresAt: number | undefined;
  readonly caller: Caller;
}

interface KnownKeys {
  readonly byHash: ReadonlyMap<string, KnownKey>;
  /** Those that were used since they were read, as they were sent: spares the hash on every call. */
  readonly recent: Map<string, KnownKey>;
}

const EXPECTED = 'send "Authorization: Bearer <API key>"';
/** Where SDKs put a key. In these only a value with the prefix is a virtual key; anything else is meant for somebody else. */
export const OTHER_PLACES = ['x-api-key', 'x-goog-api-key', 'api-key'];
const VIRTUAL_KEY = /^sk-bf-/i;
const BEARER_KEY = /^bearer\s+(sk-bf-.*)$/is;
const API_KEY = /^bearer\s+bfst-/i;
const NEEDS_KEY = 'send a virtual key as "x-bf-vk" or "Authorization: Bearer sk-bf-…"';
const TOUCH_INTERVAL = 60_000;
const MAX_RECENT = 1_000;

/** Loads the active API keys and follows their changes. A request costs one hash and one look-up, however many keys there are. */
export async function createIdentify({ accounts, changes, settings, policy, logger }: Deps): Promise<Identify> {
  const keys = createKeptCopy({
    read: async () => compileKeys(await accounts.loadActive()),
    onError: (error) =>
      logger.error({ err: error }, 'API keys could not be loaded; every request is refused until they can'),
    refusal: 'API keys cannot be checked at the moment',
  });
  const touched = new Map<number, number>();

  changes.subscribe((table) => (table === 'api_keys' ? keys.refresh() : undefined));
  await keys.refresh();

  return {
    identifyManagement(headers, scope) {
      return demand(scope, findKey(headers));
    },
    identifyInference(headers) {
      const { enforce_auth_on_inference, required_headers } = settings();
      demandHeaders(headers, required_headers);
      const value = readVirtualKey(headers);
      if (value !== undefined) return findVirtualKey(value);
      if (headers.authorization === undefined) {
        if (!enforce_auth_on_inference) return ANONYMOUS;
        throw new GatewayError('virtual_key_required', `a virtual key is required; ${NEEDS_KEY}`);
      }
      const isOpen = !enforce_auth_on_inference && !API_KEY.test(String(headers.authorization));
      const key = isOpen ? lookUp(headers) : findKey(headers);
      return key === undefined ? ANONYMOUS : demand('mcp', key);
    },
    identifyKey(headers) {
      const value = readVirtualKey(headers);
      if (value === undefined)
        throw new GatewayError('virtual_key_required', `a virtual key is required; ${NEEDS_KEY}`);
      return demandCaller(value).key.id;
    },
  };

  function findVirtualKey(value: string): Caller {
    const caller = demandCaller(value);
    demandUsable(caller.key);
    return caller;
  }

  function demandCaller(value: string): KeyCaller {
    const caller = policy.findCaller(value);
    if (caller !== undefined) return caller;
    throw new GatewayError('virtual_key_not_found', 'the virtual key is unknown or was rotated');
  }

  /** Where no key is demanded, a credential that is not ours is somebody else's business. */
  function lookUp(headers: RequestHeaders): KnownKey | undefined {
    try {
      return findKey(headers);
    } catch (error) {
      if (error instanceof GatewayError && error.code === 'unauthorized') return undefined;
      throw error;
    }
  }

  function findKey(headers: RequestHeaders): KnownKey {
    const token = readToken(headers);
    const { byHash, recent } = keys.get();
    const key = recent.get(token) ?? byHash.get(hash('sha256', token));
    if (key === undefined) throw refuse('the API key is unknown or was revoked');
    remember(recent, token, key);
    const now = Date.now();
    if (key.expiresAt !== undefined && key.expiresAt <= now) throw refuse('the API key has expired');
    noteUse(key.id, now);
    return key;
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

function compileKeys(active: readonly ActiveApiKey[]): KnownKeys {
  return { byHash: new Map(active.map((key) => [key.key_hash, knownKey(key)])), recent: new Map() };
}

function knownKey({ id, name, scopes, expires_at }: ActiveApiKey): KnownKey {
  return {
    id,
    expiresAt: expires_at,
    caller: Object.freeze({ kind: 'operator', principal: `api-key:${id}`, name, scopes: Object.freeze([...scopes]) }),
  };
}

function remember(recent: Map<string, KnownKey>, token: string, key: KnownKey): void {
  if (recent.has(token)) return;
  if (recent.size >= MAX_RECENT) recent.clear();
  recent.set(token, key);
}

function demand(scope: ApiKeyScope, { caller }: KnownKey): Caller {
  if (caller.scopes.includes(scope)) return caller;
  throw new GatewayError('forbidden', `the API key "${caller.name}" lacks the scope "${scope}"`, {
    details: { scope },
  });
}

/** The virtual key that a request comes with, from the first of the five places that has one. */
export function readVirtualKey(headers: RequestHeaders): string | undefined {
  const own = headers['x-bf-vk'];
  // An empty one was meant as a key: whoever forgot the value must not get more than the key would give.
  if (own !== undefined) return String(own);
  const { authorization } = headers;
  if (authorization !== undefined) {
    const token = BEARER_KEY.exec(String(authorization))?.[1];
    if (token !== undefined) return token;
  }
  for (const name of OTHER_PLACES) {
    const value = headers[name];
    if (value !== undefined && VIRTUAL_KEY.test(String(value))) return String(value);
  }
  return undefined;
}

/** Throws `missing_required_headers` unless all are there. */
export function demandHeaders(headers: RequestHeaders, required: readonly string[]): void {
  const missing = required.filter((name) => (headers[name.toLowerCase()] ?? '') === '');
  if (missing.length === 0) return;
  throw new GatewayError('missing_required_headers', `missing required headers: ${missing.join(', ')}`, {
    details: { headers: missing },
  });
}

/** The token of `Authorization: Bearer`, or the refusal that says what was sent instead. */
function readToken(headers: RequestHeaders): string {
  // A virtual key narrows what its bearer may do: passing over it would widen the rights.
  if (readVirtualKey(headers) !== undefined) throw refuse('virtual keys are not accepted here');
  const authorization = headers.authorization;
  if (authorization === undefined) {
    const place = OTHER_PLACES.find((name) => headers[name] !== undefined);
    throw refuse(place === undefined ? 'a credential is missing' : `the header ${place} is not accepted here`);
  }
  const [, scheme = '', token = ''] = /^(\S+)\s*(.*)$/s.exec(String(authorization)) ?? [];
  if (scheme.toLowerCase() !== 'bearer') throw refuse('only the Bearer scheme is accepted here');
  if (token === '') throw refuse('the API key is empty');
  return token;
}

function refuse(reason: string): GatewayError {
  return new GatewayError('unauthorized', `${reason}; ${EXPECTED}`);
}
