import { isIPv4, isIPv6 } from 'node:net';

/** What an IP address leads to, as far as its number tells. */
export type AddressClass =
  | 'public'
  | 'loopback'
  | 'private'
  | 'carrier-grade NAT'
  | 'unique-local'
  | 'site-local'
  | 'reserved'
  | 'link-local'
  | 'metadata'
  | 'multicast'
  | 'unspecified';

/** From the most harmless to what nobody may ever be led to: of several readings of one address the last counts. */
const ORDER: readonly AddressClass[] = [
  'public',
  'reserved',
  'carrier-grade NAT',
  'site-local',
  'unique-local',
  'private',
  'loopback',
  'multicast',
  'unspecified',
  'link-local',
  'metadata',
];

/** Where clouds tell a machine its own credentials, also where the address looks like any other. */
const METADATA_V4 = new Set(['169.254.169.254', '169.254.170.2', '169.254.170.23', '100.100.100.200', '168.63.129.16']);
const METADATA_V6 = ['fd00:ec2::254', 'fd00:ec2::23', 'fd20:ce::254'];

const V4_RANGES: readonly (readonly [range: string, is: AddressClass])[] = [
  ['0.0.0.0/8', 'unspecified'],
  ['10.0.0.0/8', 'private'],
  ['100.64.0.0/10', 'carrier-grade NAT'],
  ['127.0.0.0/8', 'loopback'],
  ['169.254.0.0/16', 'link-local'],
  ['172.16.0.0/12', 'private'],
  ['192.0.0.0/24', 'reserved'],
  ['192.0.2.0/24', 'reserved'], // documentation, as the two below
  ['192.88.99.0/24', 'reserved'], // 6to4 relays
  ['192.168.0.0/16', 'private'],
  ['198.18.0.0/15', 'reserved'], // measurements
  ['198.51.100.0/24', 'reserved'],
  ['203.0.113.0/24', 'reserved'],
  ['224.0.0.0/4', 'multicast'],
  ['255.255.255.255/32', 'multicast'], // everybody on this network
  ['240.0.0.0/4', 'reserved'],
];

const V6_RANGES: readonly (readonly [range: string, is: AddressClass])[] = [
  ['::/128', 'unspecified'],
  ['::1/128', 'loopback'],
  ['fe80::/10', 'link-local'],
  ['fec0::/10', 'site-local'],
  ['fc00::/7', 'unique-local'],
  ['ff00::/8', 'multicast'],
  ['2001::/23', 'reserved'], // Teredo, ORCHID, benchmarks …
  ['2001:db8::/32', 'reserved'],
  ['2002::/16', 'reserved'],
  ['3fff::/20', 'reserved'],
];

/** The only part of IPv6 from which public addresses are given out. */
const GLOBAL = '2000::/3';

interface Block {
  readonly first: bigint;
  readonly shift: bigint;
  readonly is: AddressClass;
}

const V4_BLOCKS = V4_RANGES.map(([range, is]) => toBlock(range, is));
const V6_BLOCKS = V6_RANGES.map(([range, is]) => toBlock(range, is));
const GLOBAL_BLOCK = toBlock(GLOBAL, 'public');
const METADATA_NUMBERS = new Set(METADATA_V6.map(parseV6));

/**
 * Classifies an IPv4 or IPv6 address; undefined for what is neither. An IPv6 address that carries an IPv4 one (mapped, translated,
 * tunnelled) is as dangerous as the most dangerous of its readings: a router on the way may unpack any of them.
 */
export function classifyAddress(text: string): AddressClass | undefined {
  const [address = ''] = text.replace(/^\[(.*)\]$/, '$1').split('%');
  if (isIPv4(address)) return classifyV4(parseV4(address));
  return isIPv6(address) ? classifyV6(parseV6(address)) : undefined;
}

function classifyV4(number: bigint): AddressClass {
  if (METADATA_V4.has(writeV4(number))) return 'metadata';
  return V4_BLOCKS.find((block) => isIn(number, block))?.is ?? 'public';
}

function classifyV6(number: bigint): AddressClass {
  if (METADATA_NUMBERS.has(number)) return 'metadata';
  const carried = carriedV4(number);
  const inner = carried.addresses.map(classifyV4);
  if (carried.isTransparent) return worst(inner);
  const outer =
    V6_BLOCKS.find((block) => isIn(number, block))?.is ?? (isIn(number, GLOBAL_BLOCK) ? 'public' : 'reserved');
  return worst([outer, ...inner]);
}

interface Carried {
  /** True when the address is nothing but another way to write the IPv4 address. */
  readonly isTransparent: boolean;
  readonly addresses: readonly bigint[];
}

/** The IPv4 addresses in an IPv6 address. */
function carriedV4(number: bigint): Carried {
  const last = number & 0xffff_ffffn;
  const high = number >> 32n;
  const opaque = (...addresses: bigint[]): Carried => ({ isTransparent: false, addresses });
  // ::ffff:a.b.c.d (mapped) and 64:ff9b::a.b.c.d (the well-known prefix of NAT64, RFC 6052)
  if (high === 0xffffn || high === 0x64_ff9bn << 64n) return { isTransparent: true, addresses: [last] };
  // ::ffff:0:a.b.c.d (translated, RFC 2765); ::a.b.c.d (compatible, RFC 4291) but for :: and ::1
  if (high === 0xffff_0000n || (high === 0n && last > 1n)) return opaque(last);
  // 64:ff9b:1::/48 (NAT64 of one's own, RFC 8215): the prefix may be of any of these lengths
  if (number >> 80n === 0x64_ff9b_0001n) {
    const readings = [last, ...[48n, 56n, 64n].map((length) => splitV4(number, length))];
    // The wrong ones are mostly zeros, which mean nothing.
    return opaque(...readings.filter((reading) => reading >> 24n !== 0n));
  }
  // 2002:aabb:ccdd:: (6to4, RFC 3056)
  if (number >> 112n === 0x2002n) return opaque((number >> 80n) & 0xffff_ffffn);
  // 2001:0:server::client (Teredo, RFC 4380), the client with all bits turned over
  if (number >> 96n === 0x2001_0000n) return opaque((number >> 64n) & 0xffff_ffffn, last ^ 0xffff_ffffn);
  // …:0:5efe:a.b.c.d and …:200:5efe:a.b.c.d (ISATAP, RFC 5214), under any prefix
  if (((number >> 32n) & 0xfdff_ffffn) === 0x5efen) return opaque(last);
  return opaque();
}

/** The IPv4 address behind a NAT64 prefix; bits 64 to 71 are left out (RFC 6052 section 2.2). */
function splitV4(number: bigint, length: bigint): bigint {
  const bits = (from: bigint, count: bigint): bigint => (number >> (128n - from - count)) & ((1n << count) - 1n);
  const before = 64n - length;
  return before === 0n ? bits(72n, 32n) : (bits(length, before) << (32n - before)) | bits(72n, 32n - before);
}

function worst(classes: readonly AddressClass[]): AddressClass {
  return classes.reduce((a, b) => (ORDER.indexOf(b) > ORDER.indexOf(a) ? b : a), 'public');
}

function isIn(number: bigint, { first, shift }: Block): boolean {
  return number >> shift === first;
}

function toBlock(range: string, is: AddressClass): Block {
  const [address = '', length = ''] = range.split('/');
  const [number, size] = isIPv4(address) ? [parseV4(address), 32] : [parseV6(address), 128];
  const shift = BigInt(size - Number(length));
  return { first: number >> shift, shift, is };
}

function parseV4(text: string): bigint {
  return text.split('.').reduce((number, part) => (number << 8n) | BigInt(part), 0n);
}

function writeV4(number: bigint): string {
  return [24n, 16n, 8n, 0n].map((shift) => (number >> shift) & 0xffn).join('.');
}

/** Only for what `isIPv6` takes. */
function parseV6(text: string): bigint {
  const [, before = text, v4] = /^(.*:)(\d+\.\d+\.\d+\.\d+)$/.exec(text) ?? [];
  const tail = v4 === undefined ? 0n : parseV4(v4);
  const full = v4 === undefined ? text : `${before}${(tail >> 16n).toString(16)}:${(tail & 0xffffn).toString(16)}`;
  const [left = '', right] = full.split('::');
  const groupsOf = (part: string | undefined): string[] => (part === undefined || part === '' ? [] : part.split(':'));
  const [head, end] = [groupsOf(left), groupsOf(right)];
  const zeros = Array.from({ length: 8 - head.length - end.length }, () => '0');
  return [...head, ...zeros, ...end].reduce((number, group) => (number << 16n) | BigInt(`0x${group}`), 0n);
}
