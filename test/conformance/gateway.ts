import type { ServerSummary } from '../../src/app.ts';
import { createLogger } from '../../src/lib/logger.ts';
import { startGateway } from '../kit/gateway.ts';

/** A gateway with one server behind it, under whose own names everything is offered. */
export interface OpenGateway extends AsyncDisposable {
  readonly url: string;
}

/** Starts a gateway in front of this server. It asks for no key, since the suite sends none. */
export async function openGateway(upstreamUrl: string): Promise<OpenGateway> {
  const server = {
    client_id: 'conformance',
    name: 'conformance',
    connection_type: 'http',
    connection_string: upstreamUrl,
    tools_to_execute: ['*'],
  };
  const options = {
    logger: createLogger({ level: process.env['CONFORMANCE_LOG'] === undefined ? 'silent' : 'debug', style: 'json' }),
    config: { client: { enforce_auth_on_inference: false }, mcp: { client_configs: [server] } },
    // The suite knows tools by the names that their server gave them.
    nameOf: (_client: string, own: string) => own,
  };
  const gateway = await startGateway(options);
  const summaries = ((await gateway.ready) as readonly (ServerSummary | readonly ServerSummary[])[]).flat();
  for (const summary of summaries)
    if (summary.state !== 'connected') console.error(`the gateway is not connected: ${JSON.stringify(summary)}`);
  return {
    url: `${gateway.address.replace('127.0.0.1', 'localhost')}/mcp`,
    [Symbol.asyncDispose]: () => gateway.close(),
  };
}
