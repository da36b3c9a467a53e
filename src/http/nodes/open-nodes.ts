import { createHmac } from 'node:crypto';
import { isIP } from 'node:net';
import { networkInterfaces } from 'node:os';
import { GatewayError } from '../../lib/errors.ts';
import type { Logger } from '../../lib/logger.ts';
import { isSameText } from '../../lib/same-text.ts';
import type { Cluster } from '../../store/cluster.ts';
import type { HotRequest } from '../hot.ts';
import { listen, type Listener, type RawHandler } from '../listen.ts';
import type { Elsewhere } from './elsewhere.ts';
import { PEER_NODE, PEER_SECRET } from './pass-on.ts';

interface NodesOptions {
  readonly cluster: Cluster;
  readonly elsewhere: Pick<Elsewhere, 'isMeantForUs'>;
  readonly secret: string;
  /** What other nodes may send here, by path. */
  readonly raw: Readonly<Record<string, RawHandler>>;
  /** Where the gateway listens for everybody. */
  readonly host: string;
  /** Where other nodes reach this one, `host` or `host:port`; undefined: at an address of this machine, on any free port. */
  readonly address: string | undefined;
  readonly logger: Logger;
}

/** What nodes prove themselves with. It opens nothing by itself: what they pass on is still its caller's request. */
export function peerSecret(key: Buffer): string {
  return createHmac('sha256', key).update('peer').digest('base64url');
}

/** Opens the port for other nodes, and tells them of it. */
export async function openNodes(options: NodesOptions): Promise<Listener> {
  const { cluster, elsewhere, secret, raw, host, address, logger } = options;
  const { name, port } = splitAddress(address);
  const listener = await listen({
    host,
    port,
    isExclusive: true,
    raw,
    fetch: () => new Response(null, { status: 404 }),
    checkOrigin(request) {
      checkPeer(request, secret, cluster.node);
      elsewhere.isMeantForUs(request);
    },
    logger,
  });
  const open = new URL(listener.address);
  await cluster.join(`${name ?? nameOf(host)}:${open.port}`);
  return listener;
}

function checkPeer({ headers }: HotRequest, secret: string, node: string): void {
  const given = headers[PEER_SECRET];
  if (typeof given !== 'string' || !isSameText(given, secret))
    throw new GatewayError('unauthorized', 'this port is for other nodes of the gateway');
  // The port of a node that is gone may be another's by now.
  if (headers[PEER_NODE] !== node) throw new GatewayError('misdirected', 'another node is meant');
}

function splitAddress(address: string | undefined): { name: string | undefined; port: number } {
  if (address === undefined) return { name: undefined, port: 0 };
  const found = /^(?<name>\[[^\]]+\]|[^:]+)(?::(?<port>\d+))?$/.exec(address)?.groups;
  if (found?.['name'] === undefined)
    throw new GatewayError('invalid_configuration', `the node address must be "host" or "host:port", not "${address}"`);
  return { name: found['name'], port: Number(found['port'] ?? 0) };
}

/** How another machine calls the address that we listen on; for "all addresses" the first that leads to other machines. */
function nameOf(host: string): string {
  const isAny = host === '0.0.0.0' || host === '::';
  const outer = Object.values(networkInterfaces())
    .flatMap((list) => list ?? [])
    .find(({ internal, family }) => !internal && family === 'IPv4');
  const name = isAny ? (outer?.address ?? '127.0.0.1') : host;
  return isIP(name) === 6 ? `[${name}]` : name;
}
