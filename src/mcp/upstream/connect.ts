import type { Egress } from '../../lib/egress.ts';
import { GatewayError } from '../../lib/errors.ts';
import { createHttpClient, type TlsOptions } from '../../lib/http-client.ts';
import type { Secret } from '../../lib/secret.ts';
import type { McpClient } from '../../store/mcp-clients.ts';
import type { JsonObject } from '../../lib/json-rpc.ts';
import type { Era } from '../revisions.ts';
import type { Auth } from '../transport/auth.ts';
import { Session } from './session.ts';
import { createHttpConnection } from '../transport/http.ts';
import type { OpenInProcess } from '../transport/in-process.ts';
import type { ProcessGuard } from '../transport/process-guard.ts';
import { openSse } from '../transport/sse.ts';
import { childEnvironment } from '../transport/child.ts';
import { openHostedStdio } from '../transport/stdio-host/hosted-stdio.ts';
import { openStdio } from '../transport/stdio.ts';
import type { Connection, ConnectionEvents } from '../transport/transport.ts';

/** What reaching servers needs from outside. */
export interface ConnectDeps {
  readonly gateway: { readonly name: string; readonly version: string };
  readonly guard: ProcessGuard;
  readonly egress: Egress;
  /** How long a child process may be silent to `server/discover` before it is asked to `initialize` too. */
  readonly silenceMs: number;
  /** In-process servers by the name they were registered under. */
  readonly inprocess: ReadonlyMap<string, OpenInProcess>;
  /** The socket of what runs stdio servers for several gateways; undefined: each connection has a process of its own. */
  readonly stdioHost?: string | undefined;
}

/** What a session is for. */
export interface Purpose {
  /** What the server is known to speak; asked when absent, and always when the record pins an era. */
  readonly era?: Era | undefined;
  /** What its callers can do. */
  readonly capabilities: JsonObject;
  /** The credential beside the static headers. */
  readonly auth?: Auth | undefined;
  /** The number of a shared process that is to be replaced. */
  readonly instead?: number | undefined;
}

/** Reaches a registered server as its record says, up to the end of the negotiation. */
export function openSession(
  client: McpClient,
  deps: ConnectDeps,
  { era, capabilities, ...way }: Purpose,
  signal: AbortSignal,
): Promise<Session> {
  const plan = {
    connect: (events: ConnectionEvents) => connect(client, deps, way, events, signal),
    era: eraOf(client, era),
    introduction: { clientInfo: deps.gateway, capabilities },
    // Only a child process may hang at a question it does not know; over HTTP silence says nothing of an era.
    silenceMs: client.connection_type === 'stdio' ? deps.silenceMs : undefined,
  };
  return Session.open(plan, signal);
}

function eraOf({ protocol_era, connection_type }: McpClient, known: Era | undefined): Era | 'auto' {
  if (protocol_era !== 'auto') return protocol_era;
  if (connection_type === 'sse') return 'legacy'; // the transport of 2024-11-05
  // The newer era is asked for again each time: the answer is the handshake.
  return known === 'legacy' ? 'legacy' : 'auto';
}

async function connect(
  client: McpClient,
  deps: ConnectDeps,
  { auth, instead }: Pick<Purpose, 'auth' | 'instead'>,
  events: ConnectionEvents,
  signal: AbortSignal,
): Promise<Connection> {
  switch (client.connection_type) {
    case 'http': {
      const url = serverUrl(client);
      const target = { url, headers: staticHeaders(client), auth };
      return createHttpConnection(createHttpClient(url, tlsOptions(client), deps.egress), target, events);
    }
    case 'sse': {
      const url = serverUrl(client);
      const target = { url, headers: staticHeaders(client), auth };
      return openSse(() => createHttpClient(url, tlsOptions(client), deps.egress), target, events, signal);
    }
    case 'stdio': {
      const { command = '', args = [], envs = [] } = client.stdio_config ?? {};
      const options = { command, args, env: childEnvironment(envs) };
      if (deps.stdioHost === undefined) return openStdio({ ...options, guard: deps.guard }, events, signal);
      // What one gateway pins, another that does not know it yet must not be given.
      const id = `${client.client_id} ${client.protocol_era}`;
      return openHostedStdio(deps.stdioHost, { id, ...options, instead }, events, signal);
    }
    case 'inprocess': {
      const name = client.connection_string.resolve();
      const server = deps.inprocess.get(name);
      if (server === undefined) {
        throw new GatewayError(
          'upstream_unreachable',
          `connection_string: no in-process server is registered as "${name}"`,
        );
      }
      return server(events, signal);
    }
  }
}

function serverUrl({ connection_string }: McpClient): URL {
  const text = connection_string.resolve();
  if (!URL.canParse(text)) {
    throw new GatewayError(
      'upstream_unreachable',
      `connection_string: ${connection_string.problem ?? 'is not a valid URL'}`,
    );
  }
  return new URL(text);
}

/** The headers that every request to the server carries, but for those that each caller brings. */
export function staticHeaders({ auth_type, headers, per_user_header_keys }: McpClient): Record<string, string> {
  if (auth_type === 'none') return {};
  const perUser = new Set(auth_type === 'per_user_headers' ? per_user_header_keys : []);
  const own = Object.entries(headers).filter(([name]) => !perUser.has(name.toLowerCase()));
  return Object.fromEntries(own.map(([name, value]) => [name.toLowerCase(), demand(`headers.${name}`, value)]));
}

function tlsOptions({ tls_config: tls }: McpClient): TlsOptions | undefined {
  if (tls === undefined) return undefined;
  return {
    insecureSkipVerify: tls.insecure_skip_verify,
    caPem: demand('tls_config.ca_cert_pem', tls.ca_cert_pem),
    clientCertPem: demand('tls_config.client_cert_pem', tls.client_cert_pem),
    clientKeyPem: demand('tls_config.client_key_pem', tls.client_key_pem),
  };
}

/** The text of a secret; to go on with nothing instead would be a request without its credential. */
function demand(field: string, secret: Secret): string {
  const { problem } = secret;
  if (problem !== undefined) throw new GatewayError('upstream_unreachable', `${field}: ${problem}`);
  return secret.resolve();
}
