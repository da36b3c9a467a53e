import { expect, test } from 'vitest';
import { openapi } from './openapi.ts';
import { allRoutes } from '../../test/kit/all-routes.ts';

interface Operation {
  operationId: string;
  summary: string;
  security: Record<string, string[]>[];
  parameters?: { name: string; in: string; required: boolean; schema: object }[];
  requestBody?: { content: Record<string, { schema: object }> };
  responses: Record<string, { description?: string; $ref?: string; content?: object }>;
}
interface Document {
  openapi: string;
  info: { title: string; version: string };
  paths: Record<string, Record<string, Operation>>;
  components: {
    schemas: Record<string, object>;
    responses: Record<string, object>;
    securitySchemes: Record<string, object>;
  };
}

const routes = allRoutes();
// Through JSON, as a client gets it.
const document = JSON.parse(JSON.stringify(openapi(routes, '1.2.3'))) as Document;
const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, operation]) => ({ path, method, operation })),
);

test('every route is in the document, as one operation with summary, answers and an id of its own', () => {
  expect(document.openapi).toBe('3.1.0');
  expect(operations.map(({ method, path }) => `${method} ${path}`).toSorted()).toEqual(
    routes.map(({ method, path }) => `${method} ${path}`).toSorted(),
  );
  const ids = operations.map(({ operation }) => operation.operationId);
  expect(new Set(ids).size).toBe(ids.length);
  for (const { operation } of operations) {
    expect(operation.operationId).toMatch(/^[a-z][A-Za-z0-9]+$/);
    expect(operation.summary).not.toBe('');
    expect(Object.keys(operation.responses)).toContain('default');
    expect(Object.keys(operation.responses).some((status) => /^2\d\d$/.test(status))).toBe(true);
    for (const answer of Object.values(operation.responses)) expect(answer.$ref ?? answer.description).toBeTruthy();
  }
});

test('the parameters of a path are exactly the names in it, required and unique', () => {
  for (const { path, operation } of operations) {
    const parameters = operation.parameters ?? [];
    const inPath = parameters.filter((parameter) => parameter.in === 'path');
    expect(inPath.map(({ name }) => name)).toEqual([...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name));
    expect(inPath.every(({ required }) => required)).toBe(true);
    const keys = parameters.map(({ name, in: place }) => `${place}:${name}`);
    expect(new Set(keys).size).toBe(keys.length);
    for (const parameter of parameters) expect(parameter.schema).toHaveProperty('type');
  }
});

test('only the public routes go without a credential, and every scheme that is named is defined', () => {
  const open = operations.filter(({ operation }) => operation.security.length === 0).map(({ path }) => path);
  expect(open.toSorted()).toEqual([
    '/api/governance/virtual-keys/quota',
    '/api/oauth/callback',
    '/api/oauth/client-metadata.json',
    '/api/session/is-auth-enabled',
    '/api/session/login',
    '/api/session/logout',
    '/api/session/setup',
    '/api/session/sso/callback',
    '/api/session/sso/login',
    '/api/version',
    '/health',
    '/health/live',
    '/health/ready',
  ]);
  for (const { operation } of operations) {
    for (const name of operation.security.flatMap(Object.keys))
      expect(document.components.securitySchemes).toHaveProperty(name);
  }
});

test('every reference inside the document leads somewhere', () => {
  const references = [...JSON.stringify(document).matchAll(/"\$ref":"([^"]+)"/g)].map(([, target]) => target ?? '');
  expect(references.length).toBeGreaterThan(operations.length);
  for (const reference of references) {
    expect(reference).toMatch(/^#\//);
    let target: unknown = document;
    for (const step of reference.slice(2).split('/')) target = (target as Record<string, unknown>)[step];
    expect(target, reference).toBeTypeOf('object');
  }
});

test('the update of a client shows the input side of its schema', () => {
  const put = document.paths['/api/mcp/client/{id}']?.put;
  const schema = put?.requestBody?.content['application/json']?.schema as { properties: object; required?: string[] };
  expect(Object.keys(schema.properties)).toEqual(
    expect.arrayContaining(['name', 'vk_configs', 'tls_config', 'tool_pricing']),
  );
  expect(schema.required).toBeUndefined();
});
