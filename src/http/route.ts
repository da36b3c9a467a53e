import type { IncomingMessage } from 'node:http';
import type { Hono } from 'hono';
import type { z } from 'zod';
import type { ApiKeyScope } from '../contract/api-key.ts';
import { actorOf, type Actor } from '../governance/audit.ts';
import type { Caller } from '../governance/caller.ts';
import { GatewayError } from '../lib/errors.ts';
import { checkBody, checkQuery } from './check-input.ts';
import type { RequestFacts } from './identify-manager.ts';
import { parseJson, readBody } from './read-body.ts';

export type Method = 'get' | 'post' | 'put' | 'delete';
/** The scope a route demands; `public` demands nothing. */
export type RouteScope = Extract<ApiKeyScope, 'read' | 'write' | 'admin'> | 'public';

/** The names in the braces of a path: `/a/{id}` gives `{ id: string }`. */
export type PathParams<P extends string> = P extends `${string}{${infer Name}}${infer Rest}`
  ? { readonly [K in Name]: string } & PathParams<Rest>
  : unknown;

/** What a handler gets: everything checked, the caller identified. */
export interface RouteInput<P extends string, Q, B> {
  readonly params: PathParams<P>;
  readonly query: Q;
  readonly body: B;
  /** Undefined on public routes only. */
  readonly caller: Caller | undefined;
  readonly request: Request;
  /** Who to record for what is written. */
  readonly actor: Actor;
}

/** Another way in than a credential of the management API; undefined: nothing of the kind was sent. */
type Admit = (request: Request, params: Readonly<Record<string, string>>) => Caller | undefined;

interface RouteDefinition<P extends string, Q extends z.ZodType, B extends z.ZodType, R extends z.ZodType> {
  readonly method: Method;
  readonly path: P;
  readonly summary: string;
  readonly description?: string;
  readonly scope: RouteScope;
  readonly admit?: Admit;
  readonly query?: Q;
  readonly body?: B;
  readonly response: R;
  /** Status of a success; 200 unless said. */
  readonly status?: number;
  /** A Response is written as it is, for the rare answer that is no JSON or has a shape of its own. */
  handle(input: RouteInput<P, z.output<Q>, z.output<B>>): z.input<R> | Response | Promise<z.input<R> | Response>;
}

/** A route without its types: what is mounted and what the OpenAPI document is made of. */
export interface Route {
  readonly method: Method;
  readonly path: string;
  readonly summary: string;
  readonly description: string | undefined;
  readonly scope: RouteScope;
  readonly admit: Admit | undefined;
  readonly query: z.ZodType | undefined;
  readonly body: z.ZodType | undefined;
  readonly response: z.ZodType;
  readonly status: number;
  /** Checks the input and runs the handler; gives the value to write. */
  run(request: Request, params: Record<string, string>, caller: Caller | undefined, ip?: string): Promise<unknown>;
}

/** Gives the caller of a management request, or throws. */
export type IdentifyManagement = (
  headers: Readonly<Record<string, string>>,
  scope: Exclude<RouteScope, 'public'>,
  facts: RequestFacts,
) => Caller | Promise<Caller>;

/** Defines one route. Its schemas are the check, the types of the handler and the OpenAPI document at once. */
export function route<
  const P extends string,
  Q extends z.ZodType = z.ZodUndefined,
  B extends z.ZodType = z.ZodUndefined,
  R extends z.ZodType = z.ZodType,
>(definition: RouteDefinition<P, Q, B, R>): Route {
  const { method, path, summary, description, scope, admit, query, body, response, status = 200 } = definition;
  return {
    ...{ method, path, summary, description, scope, admit, query, body, response, status },
    async run(request, params, caller, ip) {
      const search = new URL(request.url).searchParams;
      const checkedQuery = query === undefined ? undefined : checkQuery(query, search);
      const checkedBody = body === undefined ? undefined : checkBytes(body, await readRequest(request));
      return await definition.handle({
        params: params as PathParams<P>, // the router matched this very path
        query: checkedQuery as z.output<Q>, // undefined exactly when Q is ZodUndefined
        body: checkedBody as z.output<B>,
        caller,
        request,
        actor: actorOf(caller, request, ip),
      });
    },
  };
}

/**
 * Puts the routes on a router. Each route asks for the credential itself, so that no spelling of a path can lead around the
 * check: a path that reaches a handler has been matched, and what is matched is guarded.
 */
export function mount(app: Hono, routes: readonly Route[], identify: IdentifyManagement): void {
  for (const route of routes) {
    app.on(route.method.toUpperCase(), route.path.replaceAll(/\{(\w+)\}/g, ':$1'), async (context) => {
      const { method, path, raw: request } = context.req;
      const params: Record<string, string> = context.req.param();
      const ip = addressOf(context.env);
      const facts = { method, path, ip };
      const demand = async (scope: Exclude<RouteScope, 'public'>): Promise<Caller> =>
        route.admit?.(request, params) ?? identify(context.req.header(), scope, facts);
      const caller = route.scope === 'public' ? undefined : await demand(route.scope);
      const value = await route.run(request, params, caller, ip);
      if (value instanceof Response) return value;
      return new Response(JSON.stringify(value), {
        status: route.status,
        headers: { 'content-type': 'application/json', 'cache-control': 'no-store' },
      });
    });
  }
}

/** The other end of the connection; node-server hands the request of Node over in the environment, where there is one. */
function addressOf(env: unknown): string | undefined {
  return (env as { incoming?: IncomingMessage } | undefined)?.incoming?.socket.remoteAddress;
}

/** The error for a path that no handler took: 405 when another method would fit, else 404. */
export function unmatched(routes: readonly Route[], method: string, path: string): GatewayError {
  const allowed = routes.filter((route) => patternOf(route.path).test(path)).map((route) => route.method.toUpperCase());
  if (allowed.length === 0) return new GatewayError('not_found', `there is no ${path}`);
  const allow = [...new Set(allowed)].join(', ');
  return new GatewayError('method_not_allowed', `${path} takes ${allow}, not ${method}`, { details: { allow } });
}

/** Gives the template of the route that a path leads to, such as `/api/mcp/client/{id}`; undefined for none. */
export function createTemplateOf(routes: readonly Pick<Route, 'path'>[]): (path: string) => string | undefined {
  const paths = new Set(routes.map(({ path }) => path));
  const exact = new Set([...paths].filter((path) => !path.includes('{')));
  const patterns = [...paths].filter((path) => !exact.has(path)).map((path) => [path, patternOf(path)] as const);
  return (path) => (exact.has(path) ? path : patterns.find(([, pattern]) => pattern.test(path))?.[0]);
}

function patternOf(path: string): RegExp {
  return new RegExp(`^${path.replaceAll('.', '\\.').replaceAll(/\{\w+\}/g, '[^/]+')}$`);
}

/** No body at all is fine where the schema says so. */
function checkBytes<B extends z.ZodType>(schema: B, bytes: Buffer): z.output<B> {
  const isAbsent = bytes.length === 0 && isOptional(schema);
  return checkBody(schema, isAbsent ? undefined : parseJson(bytes));
}

/** Whether a request may come without this. */
export function isOptional(schema: z.ZodType): boolean {
  return schema.safeParse(undefined).success;
}

function readRequest(request: Request): Promise<Buffer> {
  const { headers } = request;
  return readBody(request.body, {
    contentLength: headers.get('content-length'),
    contentEncoding: headers.get('content-encoding'),
  });
}
