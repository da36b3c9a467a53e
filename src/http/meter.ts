import type { Metrics } from '../telemetry/metrics.ts';
import type { HotRequest, HotResponse } from './hot.ts';
import { createTemplateOf, type Route } from './route.ts';

interface Deps {
  readonly metrics: Pick<Metrics, 'httpStarted' | 'http'>;
  /** All routes of the management API. */
  readonly routes: readonly Pick<Route, 'path'>[];
  /** The paths of the raw routes. */
  readonly raw: Iterable<string>;
}

/** Measures HTTP requests, from their head to the last byte of the answer. */
export function createMeter({ metrics, routes, raw }: Deps) {
  const hot = new Set(raw);
  const templateOf = createTemplateOf(routes);

  return (request: HotRequest, response: HotResponse, path: string): void => {
    const { socket } = request;
    const begin = performance.now();
    const before = socket.bytesWritten;
    metrics.httpStarted();
    response.once('close', () => {
      metrics.http({
        path: hot.has(path) ? path : (templateOf(path) ?? 'other'),
        method: request.method ?? '',
        // Of a request whose caller has gone before the answer, the status was never sent.
        status: response.headersSent ? response.statusCode : 499,
        seconds: (performance.now() - begin) / 1_000,
        requestBytes: Number(request.headers['content-length'] ?? 0) || 0,
        responseBytes: socket.bytesWritten - before,
      });
    });
  };
}
