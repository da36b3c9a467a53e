import { describe, expect, test } from 'vitest';
import { compileRules, type Destination, type EgressSettings } from './egress-rules.ts';

const DEFAULTS: EgressSettings = { allow_private_servers: true, egress_allowlist: [] };
const server = (url: string): Destination => ({ url: new URL(url), policy: { kind: 'server' }, isServerHere: false });
const discovered = (url: string, isServerHere = false): Destination => ({
  url: new URL(url),
  policy: { kind: 'discovered', server: new URL('https://mcp.example/mcp') },
  isServerHere,
});
const refusal = (to: Destination, address: string, settings: Partial<EgressSettings> = {}) =>
  compileRules({ ...DEFAULTS, ...settings }).refuse(to, address);
const ALWAYS = [
  '169.254.169.254',
  '169.254.9.9',
  '0.0.0.0',
  '::',
  '224.0.0.1',
  'fe80::1',
  'fd00:ec2::254',
  '::ffff:169.254.169.254',
];
const PRIVATE = ['127.0.0.1', '10.0.0.1', '192.168.1.1', '100.64.0.1', '::1', 'fd12::1', 'fec0::1', '::ffff:10.0.0.1'];

describe('a registered server', () => {
  test.for(PRIVATE)('may have the private address %s, unless the setting forbids it', (address) => {
    const to = server('http://tools.corp:8080/mcp');
    expect(refusal(to, address)).toBeUndefined();
    const error = refusal(to, address, { allow_private_servers: false });
    expect(error).toMatchObject({
      code: 'egress_blocked',
      details: { host: 'tools.corp', setting: 'allow_private_servers' },
    });
    expect(error?.message).toMatch(/tools\.corp.*allow_private_servers/);
    expect(refusal(to, address, { allow_private_servers: false, egress_allowlist: ['tools.corp'] })).toBeUndefined();
  });

  test.for(ALWAYS)('never has the address %s, whatever the settings are', (address) => {
    const list = ['tools.corp', '0.0.0.0/0', '::/0', address];
    const error = refusal(server('http://tools.corp'), address, { egress_allowlist: list });
    expect(error?.message).toMatch(/tools\.corp.*no setting allows/);
    expect(error?.details).not.toHaveProperty('setting');
  });

  test('may be public in any case, also without https', () => {
    expect(refusal(server('http://a.example'), '8.8.8.8', { allow_private_servers: false })).toBeUndefined();
  });
});

describe('an address that a server named', () => {
  test.for(PRIVATE)('must not be %s', (address) => {
    const error = refusal(discovered('https://auth.corp'), address);
    expect(error).toMatchObject({
      code: 'egress_blocked',
      details: { host: 'auth.corp', setting: 'egress_allowlist' },
    });
  });

  test.for([
    ['auth.corp', '10.0.0.1', true],
    ['*.corp', '10.0.0.1', true],
    ['AUTH.corp', '10.0.0.1', true],
    ['*.auth.corp', '10.0.0.1', false],
    ['corp', '10.0.0.1', false],
    ['10.0.0.0/8', '10.0.0.1', true],
    ['10.0.0.1', '10.0.0.1', true],
    ['10.0.0.0/8', '192.168.0.1', false],
    ['fd00::/8', 'fd12::1', true],
    ['fd12::1', 'fd12::1', true],
  ] as const)('is under the list entry %s at %s: %s', ([entry, address, isAllowed]) => {
    for (const scheme of ['http', 'https']) {
      const error = refusal(discovered(`${scheme}://auth.corp`), address, { egress_allowlist: [entry] });
      expect(error === undefined).toBe(isAllowed);
    }
  });

  test.for(ALWAYS)('is never %s', (address) => {
    const list = ['auth.corp', '0.0.0.0/0', '::/0'];
    expect(refusal(discovered('https://auth.corp', true), address, { egress_allowlist: list })).toBeDefined();
  });

  test('needs https where it is public', () => {
    expect(refusal(discovered('https://auth.example'), '8.8.8.8')).toBeUndefined();
    expect(refusal(discovered('http://auth.example'), '8.8.8.8')?.message).toMatch(/without https/);
  });

  test('may be on this machine when the server is', () => {
    for (const address of ['127.0.0.1', '::1']) {
      expect(refusal(discovered('http://localhost:9000', true), address)).toBeUndefined();
      expect(refusal(discovered('http://localhost:9000', false), address)).toBeDefined();
    }
    expect(refusal(discovered('http://10.0.0.1', true), '10.0.0.1')).toBeDefined();
  });

  test('may be the server itself, which somebody registered', () => {
    const here: Destination = {
      url: new URL('http://10.0.0.5:3000/.well-known/x'),
      policy: { kind: 'discovered', server: new URL('http://10.0.0.5:3000/mcp') },
      isServerHere: false,
    };
    expect(refusal(here, '10.0.0.5')).toBeUndefined();
    expect(refusal(here, '10.0.0.5', { allow_private_servers: false })).toBeDefined();
    expect(refusal({ ...here, url: new URL('http://10.0.0.5:3001/') }, '10.0.0.5')).toBeDefined();
  });
});

describe('an address that a caller named', () => {
  const to = (url: string): Destination => ({
    url: new URL(url),
    policy: { kind: 'stranger' },
    isServerHere: false,
  });

  test.for([...PRIVATE, ...ALWAYS, '127.0.0.1', '::1'])('must not be %s', (address) => {
    expect(refusal(to('https://client.example'), address)).toMatchObject({ code: 'egress_blocked' });
  });

  test('may be of the open internet, over https', () => {
    expect(refusal(to('https://client.example'), '8.8.8.8')).toBeUndefined();
    expect(refusal(to('http://client.example'), '8.8.8.8')?.message).toMatch(/without https/);
  });
});

describe('behind a proxy, by the name alone', () => {
  const byName = (to: Destination) => compileRules(DEFAULTS).refuseName(to);

  test.for(['169.254.169.254', '[fe80::1]', '[::ffff:a9fe:a9fe]', '0.0.0.0', 'metadata.google.internal', 'METADATA'])(
    '%s is refused to everybody',
    (host) => {
      expect(byName(server(`http://${host}/`))).toMatchObject({ code: 'egress_blocked' });
      expect(byName(discovered(`https://${host}/`))).toMatchObject({ code: 'egress_blocked' });
    },
  );

  test.for([
    '10.0.0.1',
    '[fd12::1]',
    'intranet',
    'x.local',
    'x.internal',
    'router.lan',
    'localhost',
    'a.localhost',
    '2130706433',
  ])('%s is for registered servers only', (host) => {
    expect(byName(server(`https://${host}/`))).toBeUndefined();
    expect(byName(discovered(`https://${host}/`))).toMatchObject({ code: 'egress_blocked' });
  });

  test('other names are for the proxy to judge', () => {
    expect(byName(discovered('https://auth.example/'))).toBeUndefined();
    expect(byName(discovered('http://auth.example/'))).toBeDefined();
  });
});

describe('where a machine is told its own credentials', () => {
  const to: Destination = {
    url: new URL('http://agent.example'),
    policy: { kind: 'machine-credentials' },
    isServerHere: false,
  };
  const closed = { allow_private_servers: false };

  test.for(['169.254.169.254', '169.254.170.2', '169.254.170.23', 'fd00:ec2::254', 'fd00:ec2::23', '127.0.0.1', '::1'])(
    'may be %s, whatever the settings are',
    (address) => {
      expect(refusal(to, address, closed)).toBeUndefined();
    },
  );

  test.for(['8.8.8.8', '10.0.0.1', '169.254.169.253', '169.254.0.1', '::ffff:169.254.169.254', 'fe80::1', '0.0.0.0'])(
    'is not %s, even if it is listed',
    (address) => {
      const list = ['agent.example', '0.0.0.0/0', '::/0', address];
      expect(refusal(to, address, { egress_allowlist: list })?.code).toBe('egress_blocked');
    },
  );
});
