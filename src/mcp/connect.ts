import { GatewayError } from '../lib/errors.ts';
import { createHttpClient, type TlsOptions } from '../lib/http-client.ts';
import type { McpClient } from '../store/mcp-clients.ts';
import { Session } from './session.ts';
import { createHttpConnection } from './transport/http.ts';
import { openInProcess, type InProcessServer } from './transport/in-process.ts';
import type { ProcessGuard } from './transport/process-guard.ts';
import { openSse } from './transport/sse.ts';
import { childEnvironment } from './transport/child.ts';
import { openStdio } from './transport/stdio.ts';
import type { Connection, ConnectionEvents } from './transport/transport.ts';

/** What reaching servers needs from outside. */
export interface ConnectDeps {
  readonly gateway: { readonly name: string; readonly version: string };
  readonly guard: ProcessGuard;
  /** In-process servers by the name they were registered under. */
  readonly inprocess: ReadonlyMap<string, InProcessServer>;
}

/** Reaches a registered server as its record says, up to the end of the handshake. */
export function openSession(client: McpClient, deps: ConnectDeps, signal: AbortSignal): Promise<Session> {
  return Session.open((events) => connect(client, deps, events, signal), deps.gateway, signal);
}

async function connect(
  client: McpClient,
  deps: ConnectDeps,
  events: ConnectionEvents,
  signal: AbortSignal,
): Promise<Connection> {
  switch (client.connection_type) {
    case 'http': {
      const url = serverUrl(client);
      return createHttpConnection(
        createHttpClient(url, tlsOptions(client)),
        { url, headers: staticHeaders(client) },
        events,
      );
    }
    case 'sse': {
      const url = serverUrl(client);
      return openSse(
        createHttpClient(url, tlsOptions(client)),
        { url, headers: staticHeaders(client) },
        events,
        signal,
      );
    }
    case 'stdio': {
      const { command = '', args = [], envs = [] } = client.stdio_config ?? {};
      return openStdio({ command, args, env: childEnvironment(envs), guard: deps.guard }, events, signal);
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
      return openInProcess(server, events, signal);
    }
  }
}

function serverUrl({ connection_string }: McpClient): URL {
  const text = connection_string.resolve();
  if (!URL.canParse(text)) {
    const why = connection_string.isDangling ? `${connection_string.reference} is not set` : 'is not a valid URL';
    throw new GatewayError('upstream_unreachable', `connection_string: ${why}`);
  }
  return new URL(text);
}

/** The headers that every request to the server carries. */
export function staticHeaders({ auth_type, headers }: McpClient): Record<string, string> {
  if (auth_type === 'none') return {};
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value.resolve()]));
}

function tlsOptions({ tls_config: tls }: McpClient): TlsOptions | undefined {
  if (tls === undefined) return undefined;
  return {
    insecureSkipVerify: tls.insecure_skip_verify,
    caPem: tls.ca_cert_pem.resolve(),
    clientCertPem: tls.client_cert_pem.resolve(),
    clientKeyPem: tls.client_key_pem.resolve(),
  };
}
