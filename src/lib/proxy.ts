import { BlockList, isIP } from 'node:net';
import { classifyAddress } from './addresses.ts';
import { GatewayError } from './errors.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/** The proxy for a request, undefined where there is none to use. */
export type FindProxy = (target: URL) => URL | undefined;

/**
 * Reads HTTP_PROXY, HTTPS_PROXY and NO_PROXY; the names in lower case win, as in other programs. Requests to this machine never
 * go through a proxy: there they would mean another machine.
 */
export function readProxies(env: Environment): FindProxy {
  const read = (name: string): string => env[name.toLowerCase()]?.trim() || env[name]?.trim() || '';
  const [http, https] = [parseProxy('HTTP_PROXY', read('HTTP_PROXY')), parseProxy('HTTPS_PROXY', read('HTTPS_PROXY'))];
  if (http === undefined && https === undefined) return () => undefined;
  const isExcepted = readExceptions(read('NO_PROXY'));
  return (target) => {
    const proxy = target.protocol === 'https:' ? https : http;
    if (proxy === undefined || isThisMachine(hostOf(target)) || isExcepted(target)) return undefined;
    return proxy;
  };
}

/** The host of a URL as it is compared: without brackets and without the dot of the root. */
export function hostOf({ hostname }: URL): string {
  return hostname.replace(/^\[(.*)\]$/, '$1').replace(/\.$/, '');
}

/** True for the names and addresses of this machine, without asking anybody. */
export function isThisMachine(host: string): boolean {
  return host === 'localhost' || host.endsWith('.localhost') || classifyAddress(host) === 'loopback';
}

function parseProxy(name: string, text: string): URL | undefined {
  if (text === '') return undefined;
  const full = /^[a-z][\w+.-]*:\/\//i.test(text) ? text : `http://${text}`;
  const url = URL.canParse(full) ? new URL(full) : undefined;
  if (url !== undefined && (url.protocol === 'http:' || url.protocol === 'https:')) return url;
  // Not the text: it may hold a password.
  throw new GatewayError('invalid_configuration', `${name} must be an address such as http://proxy.example.com:3128`);
}

/** `*`, names (with all names below them), addresses, ranges such as 10.0.0.0/8; each with a port or without. */
function readExceptions(text: string): (target: URL) => boolean {
  const entries = text
    .toLowerCase()
    .split(/[\s,]+/)
    .filter((entry) => entry !== '');
  if (entries.includes('*')) return () => true;
  const ranges = new BlockList();
  const names: { readonly name: string; readonly port: string | undefined }[] = [];
  for (const entry of entries) {
    if (addRange(ranges, entry)) continue;
    const [, name = entry, port] = /^(.*?|\[.*\]):(\d+)$/.exec(isIP(entry) === 6 ? `[${entry}]` : entry) ?? [];
    names.push({ name: name.replace(/^\*?\./, '').replace(/^\[(.*)\]$/, '$1'), port });
  }
  return (target) => {
    const host = hostOf(target);
    if (isInRanges(ranges, host)) return true;
    const port = target.port || (target.protocol === 'https:' ? '443' : '80');
    return names.some((entry) => {
      if (entry.port !== undefined && entry.port !== port) return false;
      return host === entry.name || (isIP(host) === 0 && host.endsWith(`.${entry.name}`));
    });
  };
}

/** Adds a range such as 10.0.0.0/8; false for a text that is none. */
export function addRange(ranges: BlockList, text: string): boolean {
  const [address = '', length = '', ...more] = text.replace(/^\[(.*)\]/, '$1').split('/');
  const family = isIP(address);
  const isRange =
    family !== 0 && more.length === 0 && /^\d{1,3}$/.test(length) && Number(length) <= (family === 4 ? 32 : 128);
  if (isRange) ranges.addSubnet(address, Number(length), family === 4 ? 'ipv4' : 'ipv6');
  return isRange;
}

/** True when the text is an address in one of the ranges. */
export function isInRanges(ranges: BlockList, text: string): boolean {
  const family = isIP(text);
  return family !== 0 && ranges.check(text, family === 4 ? 'ipv4' : 'ipv6');
}
