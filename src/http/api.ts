import { Hono } from 'hono';
import { z } from 'zod';
import type { Logger } from '../lib/logger.ts';
import type { ServeDashboard } from './dashboard.ts';
import { openapi } from './openapi.ts';
import { renderError } from './render-error.ts';
import { mount, route, unmatched } from './route.ts';
import type { IdentifyManagement, Route } from './route.ts';

interface Deps {
  readonly routes: readonly Route[];
  readonly identify: IdentifyManagement;
  readonly version: string;
  /** Asked for what no route takes. */
  readonly serveDashboard?: ServeDashboard;
  readonly logger: Logger;
}

/** The web-standard part of the gateway: `/api/*`, `/health`, the OpenAPI document of them all, and the dashboard. */
export function createApi({ routes, identify, version, serveDashboard, logger }: Deps): Hono {
  // Rendered at the first request: at start it would cost time that nobody asked for.
  let document: Record<string, unknown> | undefined;
  const documentRoute = route({
    method: 'get',
    path: '/api/openapi.json',
    summary: 'Get the OpenAPI document',
    scope: 'public',
    response: z.looseObject({ openapi: z.string() }),
    handle: () => (document ??= openapi(all, version)) as { openapi: string },
  });
  const all: readonly Route[] = [...routes, documentRoute];

  const app = new Hono();
  mount(app, all, identify);
  app.notFound(async (context) => {
    const page = await serveDashboard?.(context.req.raw);
    return page ?? write(unmatched(all, context.req.method, context.req.path));
  });
  app.onError(write);
  return app;

  function write(error: unknown): Response {
    const { status, headers, body } = renderError(error, logger);
    return new Response(JSON.stringify(body), { status, headers });
  }
}
