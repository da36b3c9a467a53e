import { BlockList, isIP } from 'node:net';
import { classifyAddress, type AddressClass } from './addresses.ts';
import { GatewayError } from './errors.ts';
import { addRange, hostOf, isInRanges, isThisMachine } from './proxy.ts';

/** Where an address came from, which decides where it may lead. */
export type EgressPolicy =
  /** An administrator registered it. */
  | { readonly kind: 'server' }
  /** The MCP server at this address, or a document that it named, said it: nobody here has looked at it. */
  | { readonly kind: 'discovered'; readonly server: URL }
  /** A caller said it. */
  | { readonly kind: 'stranger' }
  /** Where a cloud tells this machine its own credentials: for the code that fetches these, at addresses of the environment only. */
  | { readonly kind: 'machine-credentials' };

/** The settings that the rules follow. */
export interface EgressSettings {
  readonly allow_private_servers: boolean;
  /** Hosts (`*.example.com` with all below) and ranges of addresses. */
  readonly egress_allowlist: readonly string[];
}

/** One connection that is about to be made. */
export interface Destination {
  readonly url: URL;
  readonly policy: EgressPolicy;
  /** True when the MCP server of a `discovered` address is on this machine. */
  readonly isServerHere: boolean;
}

/** The rules under one state of the settings. Pure. */
export interface EgressRules {
  /** The error for an address that the destination must not lead to; undefined when it may. */
  refuse(destination: Destination, address: string): GatewayError | undefined;
  /** The same by the name alone, for when a proxy will look it up. */
  refuseName(destination: Destination): GatewayError | undefined;
}

const NEVER: ReadonlySet<AddressClass> = new Set(['link-local', 'metadata', 'multicast', 'unspecified']);
/** Names under which clouds tell a machine its credentials. */
const METADATA_NAME = /^(?:metadata|metadata\.google\.internal|metadata\.goog|instance-data(?:\.ec2\.internal)?)$/;
/** Names that mean nothing, or something else, outside of a network of one's own (RFC 6761, 6762, 8375). */
const INTERNAL_NAME = /^[^.]+$|\.(?:local|internal|home\.arpa|lan|localdomain)$/;

/** Where AWS gives a machine, a task or a pod its credentials. */
const MACHINE_CREDENTIALS = new Set([
  '169.254.169.254',
  '169.254.170.2',
  '169.254.170.23',
  'fd00:ec2::254',
  'fd00:ec2::23',
]);

/** Compiles the rules. */
export function compileRules({ allow_private_servers, egress_allowlist }: EgressSettings): EgressRules {
  const isListed = compileList(egress_allowlist);

  function check(
    { url, policy, isServerHere }: Destination,
    is: AddressClass,
    address: string,
  ): GatewayError | undefined {
    const host = hostOf(url);
    if (policy.kind === 'machine-credentials')
      return is === 'loopback' || MACHINE_CREDENTIALS.has(address) ? undefined : notOfMachine(host, is);
    if (NEVER.has(is)) return refusal(host, is, undefined);
    if (isListed(host) || isListed(address)) return undefined;
    if (policy.kind === 'server' || (policy.kind === 'discovered' && url.origin === policy.server.origin)) {
      return is === 'public' || allow_private_servers ? undefined : refusal(host, is, 'allow_private_servers');
    }
    if (is === 'loopback' && isServerHere) return undefined;
    if (is !== 'public') return refusal(host, is, 'egress_allowlist');
    return url.protocol === 'https:' ? undefined : plain(host);
  }

  return {
    refuse: (destination, address) => check(destination, classifyAddress(address) ?? 'unspecified', address),
    refuseName(destination) {
      const host = hostOf(destination.url);
      return check(destination, classifyAddress(host) ?? classifyName(host), host);
    },
  };
}

function classifyName(host: string): AddressClass {
  if (METADATA_NAME.test(host)) return 'metadata';
  if (isThisMachine(host)) return 'loopback';
  return INTERNAL_NAME.test(host) ? 'private' : 'public';
}

function compileList(entries: readonly string[]): (text: string) => boolean {
  const ranges = new BlockList();
  const names = new Set<string>();
  const suffixes: string[] = [];
  for (const entry of entries.map((text) => text.trim().toLowerCase())) {
    const family = isIP(entry);
    if (family !== 0) addRange(ranges, `${entry}/${family === 4 ? 32 : 128}`);
    else if (addRange(ranges, entry)) continue;
    else if (entry.startsWith('*.')) suffixes.push(entry.slice(1));
    else names.add(entry);
  }
  return (text) => names.has(text) || suffixes.some((suffix) => text.endsWith(suffix)) || isInRanges(ranges, text);
}

function refusal(host: string, is: AddressClass, setting: keyof EgressSettings | undefined): GatewayError {
  const hint = {
    allow_private_servers: 'the setting allow_private_servers is off and egress_allowlist does not name it',
    egress_allowlist: 'a server named this address itself, and the setting egress_allowlist does not name it',
  };
  const why = setting === undefined ? 'which no setting allows' : hint[setting];
  return new GatewayError('egress_blocked', `${host} is not connected to: it is a ${is} address; ${why}`, {
    details: { host, address_class: is, ...(setting && { setting }) },
  });
}

function notOfMachine(host: string, is: AddressClass): GatewayError {
  const message = `${host} is not connected to: credentials of this machine come from this machine or from a fixed address of AWS only`;
  return new GatewayError('egress_blocked', message, { details: { host, address_class: is } });
}

function plain(host: string): GatewayError {
  const message = `${host} is not connected to: a server named this address itself, without https; the setting egress_allowlist does not name it`;
  return new GatewayError('egress_blocked', message, {
    details: { host, address_class: 'public', setting: 'egress_allowlist' },
  });
}
