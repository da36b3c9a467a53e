import { z } from 'zod';
import { ErrorEnvelope } from '../contract/common.ts';
import { SESSION_COOKIE } from './identify-manager.ts';
import { isOptional, type Route } from './route.ts';

type JsonSchema = Record<string, unknown>;

/** The OpenAPI 3.1 document of the management API, made from the schemas that also check the requests. */
export function openapi(routes: readonly Route[], version: string): JsonSchema {
  const paths: Record<string, Record<string, unknown>> = {};
  for (const route of routes) {
    paths[route.path] ??= {};
    Object.assign(paths[route.path] ?? {}, { [route.method]: operation(route) });
  }
  return {
    openapi: '3.1.0',
    info: { title: 'Asbru management API', version, license: { name: 'Apache-2.0', identifier: 'Apache-2.0' } },
    servers: [{ url: '/' }],
    paths,
    components: {
      securitySchemes: {
        apiKey: {
          type: 'http',
          scheme: 'bearer',
          description: 'A management API key: `Authorization: Bearer <API key>`.',
        },
        basic: { type: 'http', scheme: 'basic', description: 'The name and the password of an account.' },
        session: {
          type: 'apiKey',
          in: 'cookie',
          name: SESSION_COOKIE,
          description: 'Somebody who signed in with a browser. What changes something also wants X-CSRF-Token.',
        },
      },
      schemas: { Error: jsonSchema(ErrorEnvelope, 'output') },
      responses: { Error: jsonContent('The request was refused or failed.', { $ref: '#/components/schemas/Error' }) },
    },
  };
}

function operation(route: Route): JsonSchema {
  const parameters = [...pathParameters(route.path), ...queryParameters(route.query)];
  const { description } = route;
  return {
    operationId: operationId(route.summary),
    summary: route.summary,
    ...(description === undefined ? {} : { description }),
    security: securityOf(route.scope),
    ...(parameters.length === 0 ? {} : { parameters }),
    ...(route.body === undefined
      ? {}
      : { requestBody: { required: !isOptional(route.body), ...json(jsonSchema(route.body, 'input')) } }),
    responses: {
      [route.status]:
        route.status === 204 ? { description: 'Done.' } : jsonContent('Success.', jsonSchema(route.response, 'output')),
      default: { $ref: '#/components/responses/Error' },
    },
  };
}

/** Any one of them will do. */
function securityOf(scope: Route['scope']): JsonSchema[] {
  return scope === 'public' ? [] : [{ apiKey: [scope] }, { basic: [scope] }, { session: [scope] }];
}

/** "Update an MCP client" → "updateMcpClient". */
function operationId(summary: string): string {
  const words = summary
    .toLowerCase()
    .split(/[^a-z0-9]+/)
    .filter((word) => word !== '' && !['a', 'an', 'the', 'of'].includes(word));
  return words.map((word, index) => (index === 0 ? word : word.charAt(0).toUpperCase() + word.slice(1))).join('');
}

function pathParameters(path: string): JsonSchema[] {
  return [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => ({
    name,
    in: 'path',
    required: true,
    schema: { type: 'string' },
  }));
}

function queryParameters(query: z.ZodType | undefined): JsonSchema[] {
  if (query === undefined) return [];
  const schema = jsonSchema(query, 'input') as { properties?: Record<string, JsonSchema>; required?: string[] };
  return Object.entries(schema.properties ?? {}).map(([name, { description, ...rest }]) => ({
    name,
    in: 'query',
    required: schema.required?.includes(name) ?? false,
    ...(description === undefined ? {} : { description }),
    schema: rest,
  }));
}

function jsonSchema(schema: z.ZodType, io: 'input' | 'output'): JsonSchema {
  const { $schema: _, ...rest } = z.toJSONSchema(schema, { io, unrepresentable: 'any' });
  return rest;
}

function jsonContent(description: string, schema: JsonSchema): JsonSchema {
  return { description, ...json(schema) };
}

function json(schema: JsonSchema): JsonSchema {
  return { content: { 'application/json': { schema } } };
}
