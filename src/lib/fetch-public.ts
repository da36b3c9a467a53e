import { lookup, type LookupAddress } from 'node:dns';
import { BlockList, isIP, type LookupFunction } from 'node:net';
import { Agent, fetch } from 'undici';
import { GatewayError } from './errors.ts';

/** Addresses that are nobody's on the open internet: this machine, this network, and what stands for them in IPv6. */
// One list for each family: a mapped IPv6 subnet in a common one would cover all of IPv4.
const NOT_PUBLIC = { ipv4: new BlockList(), ipv6: new BlockList() };
const SUBNETS = {
  ipv4: `0.0.0.0/8 10.0.0.0/8 100.64.0.0/10 127.0.0.0/8 169.254.0.0/16 172.16.0.0/12 192.0.0.0/24 192.0.2.0/24
    192.88.99.0/24 192.168.0.0/16 198.18.0.0/15 198.51.100.0/24 203.0.113.0/24 224.0.0.0/4 240.0.0.0/4`,
  ipv6: `::/96 ::ffff:0:0/96 64:ff9b::/96 64:ff9b:1::/48 100::/64 2001::/23 2001:db8::/32 2002::/16 3fff::/20 5f00::/16
    fc00::/7 fe80::/10 fec0::/10 ff00::/8`,
};
for (const family of ['ipv4', 'ipv6'] as const) {
  for (const subnet of SUBNETS[family].split(/\s+/)) {
    const [address = '', prefix] = subnet.split('/');
    NOT_PUBLIC[family].addSubnet(address, Number(prefix), family);
  }
}

/** Whether an IP address is one of the open internet. */
export function isPublicAddress(address: string): boolean {
  const version = isIP(address);
  if (version === 0) return false;
  const family = version === 4 ? 'ipv4' : 'ipv6';
  return !NOT_PUBLIC[family].check(address, family);
}

/** Looks a name up once, and connects to what it found: a second look-up could find something else. */
const lookupPublic: LookupFunction = (hostname, options, callback) => {
  lookup(hostname, { ...options, all: true }, (error, addresses: LookupAddress[]) => {
    const [first] = addresses ?? [];
    if (error !== null || first === undefined) return callback(error, '', 0);
    const isBad = addresses.some(({ address }) => !isPublicAddress(address));
    if (isBad) return callback(refuse(hostname), '', 0);
    if (options.all === true) return callback(null, addresses);
    callback(null, first.address, first.family);
  });
};

let agent: Agent | undefined;

/** Fetches what a stranger names. It reaches only the open internet, over TLS, and follows no redirect. */
export const fetchPublic = (async (input: string | URL, init: RequestInit = {}) => {
  const url = new URL(input);
  const host = url.hostname.replace(/^\[|\]$/g, '');
  if (url.protocol !== 'https:') throw new GatewayError('forbidden', `${url.origin} is not https`);
  // An address in the place of a name is not looked up.
  if (isIP(host) !== 0 && !isPublicAddress(host)) throw refuse(host);
  agent ??= new Agent({ connect: { lookup: lookupPublic, timeout: 5_000 }, connections: 4 });
  const { dispatcher: _, ...options } = init as unknown as UndiciInit;
  return fetch(url, { ...options, redirect: 'manual', dispatcher: agent });
}) as unknown as typeof globalThis.fetch; // undici's Response is the web's, under another name

type UndiciInit = NonNullable<Parameters<typeof fetch>[1]>;

function refuse(host: string): GatewayError {
  return new GatewayError('forbidden', `${host} is not an address of the open internet`);
}
