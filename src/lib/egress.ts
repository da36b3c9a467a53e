import { lookup as resolveName, type LookupAddress } from 'node:dns';
import { isIP, type LookupFunction } from 'node:net';
import { buildConnector, Pool, ProxyAgent, type Dispatcher } from 'undici';
import { compileRules, type Destination, type EgressRules, type EgressSettings } from './egress-rules.ts';
import type { GatewayError } from './errors.ts';
import { Http1Client } from './http1/client.ts';
import { hostOf, isThisMachine, readProxies, type FindProxy } from './proxy.ts';

/** Looks a name up, as `dns.lookup` does when it is asked for all addresses. */
export type Resolve = (
  name: string,
  options: { readonly all: true },
  done: (error: NodeJS.ErrnoException | null, addresses: LookupAddress[]) => void,
) => void;

interface EgressDeps {
  readonly settings: () => EgressSettings;
  /** Where HTTP_PROXY and the like are read. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly resolve?: Resolve;
  /** How long each step of a connection may take: to the address, through a proxy, and TLS. */
  readonly connectTimeoutMs?: number;
}

/** The way out: every HTTP connection that the gateway makes is opened here. */
export interface Egress {
  /** The rules of this moment: the same object until a setting that concerns them changes. */
  rules(): EgressRules;
  /**
   * Opens connections to the origin of a URL, each after a look at where its name leads at that moment; TLS and the Host header
   * still go by the name. Requests name their `origin`. A refusal is an `egress_blocked` error of the request.
   */
  open(destination: Destination, tls: buildConnector.BuildOptions): Dispatcher;
  /** True when the name or address in the URL leads to this machine and nowhere else. */
  isThisMachine(url: URL): Promise<boolean>;
}

const CONNECT_TIMEOUT_MS = 10_000;
/** Calls have their own deadlines; a stream may be silent for as long as it likes. */
export const NO_TIMEOUTS = { headersTimeout: 0, bodyTimeout: 0 } as const;

/** Builds the guard over all outbound HTTP. Proxies are read from the environment once. */
export function createEgress({
  settings,
  env = process.env,
  resolve = resolveName,
  connectTimeoutMs = CONNECT_TIMEOUT_MS,
}: EgressDeps): Egress {
  const findProxy: FindProxy = readProxies(env);
  let seen: EgressSettings | undefined;
  let compiled: { readonly from: string; readonly rules: EgressRules } | undefined;

  function rules(): EgressRules {
    const now = settings();
    if (now === seen && compiled !== undefined) return compiled.rules;
    seen = now;
    const from = JSON.stringify([now.allow_private_servers, now.egress_allowlist]);
    if (compiled?.from !== from) compiled = { from, rules: compileRules(now) };
    return compiled.rules;
  }

  return {
    rules,
    open(destination, tls) {
      const { url, policy } = destination;
      // A proxy would be another machine, which has credentials of its own.
      const proxy = policy.kind === 'machine-credentials' ? undefined : findProxy(url);
      const options = { timeout: connectTimeoutMs, allowH2: false, ...tls };
      if (proxy === undefined) {
        return new Http1Client(url.origin, { connect: guard(destination, rules, resolve, options) });
      }
      // The proxy looks the name up: all that can be judged here is the name.
      const refusal = rules().refuseName(destination);
      return refusal === undefined ? openThrough(proxy, options, connectTimeoutMs) : refuseAll(url, refusal);
    },
    async isThisMachine(url) {
      const host = hostOf(url);
      if (isIP(host) !== 0 || isThisMachine(host) || findProxy(url) !== undefined) return isThisMachine(host);
      const { promise, resolve: settle } = Promise.withResolvers<LookupAddress[]>();
      resolve(host, { all: true }, (error, addresses) => settle(error === null ? addresses : []));
      const addresses = await promise;
      return addresses.length > 0 && addresses.every(({ address }) => isThisMachine(address));
    },
  };
}

/** A connector that resolves once, looks at every address, and connects to one of those it has looked at. */
function guard(
  destination: Destination,
  rules: () => EgressRules,
  resolve: Resolve,
  options: buildConnector.BuildOptions,
): buildConnector.connector {
  const lookup: LookupFunction = (name, wanted, done) => {
    resolve(name, { ...wanted, all: true }, (error, addresses) => {
      if (error !== null) return done(error, []);
      const { allowed, refusal } = sift(destination, rules(), addresses);
      const [first] = allowed;
      if (first === undefined) return done(refusal ?? noAddress(name), []);
      if (wanted.all === true) done(null, allowed);
      else done(null, first.address, first.family);
    });
  };
  const connect = buildConnector({ ...options, lookup });
  return (target, done) => {
    // An address needs no lookup, so that nothing but this looks at it.
    const refusal = isIP(target.hostname) === 0 ? undefined : rules().refuse(destination, target.hostname);
    if (refusal === undefined) connect(target, done);
    else queueMicrotask(() => done(refusal, null));
  };
}

/**
 * The addresses that may be connected to. Whoever controls a discovered name and mixes a forbidden address in is up to no good;
 * the name of a registered server may have a link-local address beside the one that works (.local names do).
 */
function sift(destination: Destination, rules: EgressRules, addresses: readonly LookupAddress[]) {
  const refusals = addresses.map(({ address }) => rules.refuse(destination, address));
  const refusal = refusals.find((found) => found !== undefined);
  const isStrict = destination.policy.kind !== 'server' && refusal !== undefined;
  const allowed = isStrict ? [] : addresses.filter((_, index) => refusals[index] === undefined);
  return { allowed, refusal };
}

function noAddress(name: string): NodeJS.ErrnoException {
  return Object.assign(new Error(`${name} has no address`), { code: 'ENOTFOUND' });
}

/** A tunnel for https, plain forwarding for http. */
function openThrough(proxy: URL, tls: buildConnector.BuildOptions, connectTimeout: number): Dispatcher {
  // For tunnels alone. All requests wait for one that is opened, which undici lets take five minutes.
  const clientFactory = (origin: URL, options: object): Dispatcher =>
    new Pool(origin, { ...options, headersTimeout: connectTimeout });
  return new ProxyAgent({ uri: proxy.href, requestTls: tls, connectTimeout, clientFactory, ...NO_TIMEOUTS });
}

/** A dispatcher that never connects. */
function refuseAll(url: URL, refusal: GatewayError): Dispatcher {
  return new Pool(url.origin, { connect: (_, done) => queueMicrotask(() => done(refusal, null)) });
}
