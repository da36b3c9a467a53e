import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { classifyAddress } from './addresses.ts';

test.for([
  ['8.8.8.8', 'public'],
  ['9.255.255.255', 'public'],
  ['11.0.0.0', 'public'],
  ['172.15.255.255', 'public'],
  ['172.32.0.0', 'public'],
  ['0.0.0.0', 'unspecified'],
  ['0.1.2.3', 'unspecified'],
  ['10.0.0.0', 'private'],
  ['172.16.0.1', 'private'],
  ['172.31.255.255', 'private'],
  ['192.168.255.255', 'private'],
  ['100.64.0.0', 'carrier-grade NAT'],
  ['100.127.255.255', 'carrier-grade NAT'],
  ['100.128.0.0', 'public'],
  ['127.0.0.1', 'loopback'],
  ['127.255.255.255', 'loopback'],
  ['169.254.0.1', 'link-local'],
  ['169.254.169.254', 'metadata'],
  ['169.254.170.2', 'metadata'],
  ['100.100.100.200', 'metadata'],
  ['168.63.129.16', 'metadata'],
  ['192.0.2.1', 'reserved'],
  ['198.19.0.1', 'reserved'],
  ['224.0.0.1', 'multicast'],
  ['255.255.255.255', 'multicast'],
  ['240.0.0.1', 'reserved'],
  ['2606:4700:4700::1111', 'public'],
  ['2a00:1450:4001:80b::200e', 'public'],
  ['::', 'unspecified'],
  ['0:0:0:0:0:0:0:0', 'unspecified'],
  ['::1', 'loopback'],
  ['[::1]', 'loopback'],
  ['fe80::1', 'link-local'],
  ['fe80::1%eth0', 'link-local'],
  ['febf::1', 'link-local'],
  ['fec0::1', 'site-local'],
  ['fc00::1', 'unique-local'],
  ['fdff::1', 'unique-local'],
  ['fd00:ec2::254', 'metadata'],
  ['FD00:0EC2:0:0:0:0:0:254', 'metadata'],
  ['fd20:ce::254', 'metadata'],
  ['ff02::1', 'multicast'],
  ['2001:db8::1', 'reserved'],
  ['4000::1', 'reserved'],
  ['100::1', 'reserved'],
] as const)('%s is %s', ([address, is]) => {
  expect(classifyAddress(address)).toBe(is);
});

test.for(['', 'localhost', '127.1', '0x7f.0.0.1', '2130706433', '1.2.3.4.5', '256.0.0.1', ':::', '1::2::3', 'g::1'])(
  '%j is no address',
  (text) => {
    expect(classifyAddress(text)).toBeUndefined();
  },
);

const octets = fc.tuple(...Array.from({ length: 4 }, () => fc.nat(255)));
type Octets = number[];
const dotted = (address: Octets): string => address.join('.');
const hex = ([a = 0, b = 0, c = 0, d = 0]: Octets): [string, string] => [
  (a * 256 + b).toString(16),
  (c * 256 + d).toString(16),
];
const byte = (value: number | undefined): string => (value ?? 0).toString(16).padStart(2, '0');
const prefix = fc
  .constantFrom('2606:4700::', 'fd12:3456::', '2a00:1450:4001:80b:')
  .map((text) => text.replace(/::$/, ':0:0:'));

/** How each embedding is written. */
const EMBEDDINGS: Record<string, (address: Octets) => string> = {
  'mapped, dotted': (address) => `::ffff:${dotted(address)}`,
  'mapped, in hex': (address) => `::ffff:${hex(address).join(':')}`,
  'mapped, in full': (address) => `0:0:0:0:0:ffff:${hex(address).join(':')}`,
  translated: (address) => `::ffff:0:${hex(address).join(':')}`,
  NAT64: (address) => `64:ff9b::${dotted(address)}`,
  'local NAT64, /96': (address) => `64:ff9b:1::${hex(address).join(':')}`,
  'local NAT64, /48': ([a, b, c, d]) => `64:ff9b:1:${byte(a)}${byte(b)}:00${byte(c)}:${byte(d)}00:0:0`,
  'local NAT64, /56': ([a, b, c, d]) => `64:ff9b:1:00${byte(a)}:00${byte(b)}:${byte(c)}${byte(d)}:0:0`,
  'local NAT64, /64': ([a, b, c, d]) => `64:ff9b:1:0:00${byte(a)}:${byte(b)}${byte(c)}:${byte(d)}00:0`,
  '6to4': (address) => `2002:${hex(address).join(':')}::1`,
  'Teredo server': (address) => `2001:0:${hex(address).join(':')}:0:0:f7f7:f7f7`,
  'Teredo client': (address) => `2001:0:808:808:0:0:${hex(address.map((octet) => 255 - octet)).join(':')}`,
  ISATAP: (address) => `2606:4700:0:1:0:5efe:${hex(address).join(':')}`,
  'ISATAP of a public address': (address) => `2606:4700:0:1:200:5efe:${hex(address).join(':')}`,
};

describe.for(Object.entries(EMBEDDINGS))('an IPv4 address in IPv6 (%s)', ([, embed]) => {
  test('is public only when the IPv4 address is', () => {
    fc.assert(
      fc.property(octets, (address) => {
        if (classifyAddress(dotted(address)) !== 'public') {
          expect(classifyAddress(embed(address)), embed(address)).not.toBe('public');
        }
      }),
      { numRuns: 500 },
    );
  });

  test.for([
    ['169.254.169.254', 'metadata'],
    ['169.254.1.1', 'link-local'],
    ['224.0.0.9', 'multicast'],
  ] as const)('of %s is %s', ([address, is]) => {
    expect(classifyAddress(embed(address.split('.').map(Number)))).toBe(is);
  });
});

test.for(['10.1.2.3', '127.0.0.1', '192.168.0.1'])('compatible addresses are as their IPv4 address: %s', (address) => {
  expect(classifyAddress(`::${address}`)).toBe(classifyAddress(address));
});

test('a mapped or translated public address is public', () => {
  expect(classifyAddress('::ffff:8.8.8.8')).toBe('public');
  expect(classifyAddress('64:ff9b::8.8.8.8')).toBe('public');
});

test('however an address is written, it is the same', () => {
  fc.assert(
    fc.property(fc.ipV6(), (text) => {
      // The URL parser writes every address in its shortest form.
      const short = new URL(`http://[${text}]/`).hostname;
      expect(classifyAddress(short)).toBe(classifyAddress(text));
      expect(classifyAddress(text.toUpperCase())).toBe(classifyAddress(text));
      expect(classifyAddress(text)).toBeDefined();
    }),
  );
});

test('nothing outside 2000::/3 is public, but for the two ways to write a public IPv4 address', () => {
  fc.assert(
    fc.property(fc.ipV6(), (text) => {
      const short = new URL(`http://[${text}]/`).hostname.slice(1, -1);
      const isGlobal = /^[23][0-9a-f]{3}:/.test(short);
      const isV4 = /^(?:::ffff:|64:ff9b::)/.test(short);
      if (!isGlobal && !isV4) expect(classifyAddress(text), text).not.toBe('public');
    }),
    { numRuns: 1000 },
  );
});

test('an ISATAP address is at least what its prefix is', () => {
  fc.assert(
    fc.property(prefix, octets, (start, address) => {
      if (start.startsWith('fd')) {
        expect(classifyAddress(`${start}0:5efe:${hex(address).join(':')}`)).not.toBe('public');
      }
    }),
  );
});
