import type { IncomingMessage } from 'node:http';
import { GatewayError } from '../lib/errors.ts';
import type { Logger } from '../lib/logger.ts';
import { METRICS_TYPE, type Metrics } from '../telemetry/metrics.ts';
import type { IdentifyManager } from './identify-manager.ts';
import type { Identify, RequestHeaders } from './identify.ts';
import type { RawHandler } from './listen.ts';
import { renderError } from './render-error.ts';
import { sendError } from './send-error.ts';

interface Deps {
  readonly metrics: Pick<Metrics, 'render'>;
  /** API keys alone, and whoever else may manage. */
  readonly identify: Pick<Identify, 'identifyManagement'>;
  readonly identifyManager?: IdentifyManager;
  readonly logger: Logger;
}

/** `GET /metrics`, in the text format of Prometheus, for whoever may read. */
export function createMetricsHandler({ metrics, identify, identifyManager, logger }: Deps): RawHandler {
  async function demandReader({ headers, method = 'GET', socket }: IncomingMessage): Promise<void> {
    const keyHeaders = withBearer(headers);
    try {
      identify.identifyManagement(keyHeaders, 'read');
    } catch (error) {
      if (identifyManager === undefined || !(error instanceof GatewayError) || error.code !== 'unauthorized')
        throw error;
      // It is no API key, so it may be the password of an account, or a session.
      await identifyManager(headers, 'read', { method, path: '/metrics', ip: socket.remoteAddress });
    }
  }

  return async (request, response) => {
    try {
      if (request.method !== 'GET' && request.method !== 'HEAD') {
        throw new GatewayError('method_not_allowed', 'this route takes GET', { details: { allow: 'GET, HEAD' } });
      }
      await demandReader(request);
      const body = Buffer.from(await metrics.render());
      response.writeHead(200, { 'content-type': METRICS_TYPE, 'content-length': body.length });
      response.end(request.method === 'HEAD' ? undefined : body);
    } catch (error) {
      sendError(response, () => renderError(error, logger));
    }
  };
}

/** What scrapes can often send nothing but a user and a password: the API key is the password, the user is anything. */
function withBearer(headers: RequestHeaders): RequestHeaders {
  const [, credentials] = /^basic\s+(\S+)$/i.exec(String(headers.authorization ?? '')) ?? [];
  if (credentials === undefined) return headers;
  const pair = Buffer.from(credentials, 'base64').toString();
  return { ...headers, authorization: `Bearer ${pair.slice(pair.indexOf(':') + 1)}` };
}
