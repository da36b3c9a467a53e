import { isDeepStrictEqual } from 'node:util';
import { z } from 'zod';
import {
  KeySummary,
  ProviderCreate,
  ProviderKeyCreate,
  ProviderKeyUpdate,
  ProviderKeyView,
  ProviderUpdate,
  ProviderView,
} from '../../contract/provider.ts';
import type { KeyPlace, ProviderEditor } from '../../governance/provider-editor.ts';
import { unknownFields } from '../check-input.ts';
import { route, type Route } from '../route.ts';
import { findIdle, pathId, withWarnings } from './governance-input.ts';

const warnings = z
  .array(z.string())
  .optional()
  .meta({ description: 'What was sent but has no effect, for example unknown fields.' });
const WrittenProvider = ProviderView.extend({ warnings });
const WrittenKey = ProviderKeyView.extend({ warnings });

/** `/api/providers` and `/api/keys`. Every change is live when its answer arrives. */
export function providerRoutes(providers: ProviderEditor): readonly Route[] {
  return [
    ...readRoutes(providers),
    ...providerWriteRoutes(providers),
    ...keyReadRoutes(providers),
    ...keyWriteRoutes(providers),
  ];
}

function readRoutes(providers: ProviderEditor): Route[] {
  return [
    route({
      method: 'get',
      path: '/api/providers',
      summary: 'List the providers',
      description: 'With their keys, secrets masked. What is not listed does not exist for callers.',
      scope: 'read',
      response: z.object({ providers: z.array(ProviderView), total: z.int() }),
      async handle() {
        const list = await providers.list();
        return { providers: list, total: list.length };
      },
    }),
    route({
      method: 'get',
      path: '/api/providers/{provider}',
      summary: 'Get a provider',
      scope: 'read',
      response: ProviderView,
      handle: ({ params }) => providers.get(pathId(params.provider)),
    }),
  ];
}

function providerWriteRoutes(providers: ProviderEditor): Route[] {
  return [
    route({
      method: 'post',
      path: '/api/providers',
      summary: 'Add a provider',
      description: 'A built-in one by its name, any other with custom_provider_config; with its first keys.',
      scope: 'write',
      body: ProviderCreate,
      response: WrittenProvider,
      async handle({ body, actor }) {
        const view = await providers.create(body, actor);
        return { ...view, ...withWarnings(idleInProvider(body, ProviderCreate, false)) };
      },
    }),
    route({
      method: 'put',
      path: '/api/providers/{provider}',
      summary: 'Replace the settings of a provider',
      description: 'What is absent goes back to its default, a mask keeps its secret, and the keys stay as they are.',
      scope: 'write',
      body: ProviderUpdate,
      response: WrittenProvider,
      async handle({ params, body, actor }) {
        const view = await providers.update(pathId(params.provider), body, actor);
        const idle = idleInProvider(body, ProviderUpdate, true);
        const keys = body['keys'];
        const isNews = keys !== undefined && !isDeepStrictEqual(keys, view.keys);
        if (isNews) idle.push(`keys were not changed: send them to /api/providers/${view.name}/keys`);
        return { ...view, ...withWarnings(idle) };
      },
    }),
    route({
      method: 'delete',
      path: '/api/providers/{provider}',
      summary: 'Remove a provider',
      description: 'With its keys. Nobody can use it when the answer is sent, which shows what it was.',
      scope: 'write',
      response: ProviderView,
      handle: ({ params, actor }) => providers.remove(pathId(params.provider), actor),
    }),
  ];
}

function keyReadRoutes(providers: ProviderEditor): Route[] {
  return [
    route({
      method: 'get',
      path: '/api/providers/{provider}/keys',
      summary: 'List the keys of a provider',
      scope: 'read',
      response: z.object({ keys: z.array(ProviderKeyView), total: z.int() }),
      async handle({ params }) {
        const keys = await providers.listKeys(pathId(params.provider));
        return { keys, total: keys.length };
      },
    }),
    route({
      method: 'get',
      path: '/api/providers/{provider}/keys/{key_id}',
      summary: 'Get a key of a provider',
      scope: 'read',
      response: ProviderKeyView,
      handle: ({ params }) => providers.getKey(placeOf(params)),
    }),
    route({
      method: 'get',
      path: '/api/keys',
      summary: 'List the keys of all providers',
      description: 'In a short form without values: what virtual keys may name in key_ids.',
      scope: 'read',
      response: z.object({ keys: z.array(KeySummary), total: z.int() }),
      async handle() {
        const keys = await providers.listAllKeys();
        return { keys, total: keys.length };
      },
    }),
  ];
}

function keyWriteRoutes(providers: ProviderEditor): Route[] {
  return [
    route({
      method: 'post',
      path: '/api/providers/{provider}/keys',
      summary: 'Add a key to a provider',
      scope: 'write',
      body: ProviderKeyCreate,
      response: WrittenKey,
      async handle({ params, body, actor }) {
        const view = await providers.createKey(pathId(params.provider), body, actor);
        return { ...view, ...withWarnings(idleInKey(body, false)) };
      },
    }),
    route({
      method: 'put',
      path: '/api/providers/{provider}/keys/{key_id}',
      summary: 'Update a key of a provider',
      description: 'Absent keeps, null goes back to the default, a mask keeps the value.',
      scope: 'write',
      body: ProviderKeyUpdate,
      response: WrittenKey,
      async handle({ params, body, actor }) {
        const view = await providers.updateKey(placeOf(params), body, actor);
        return { ...view, ...withWarnings(idleInKey(body, true)) };
      },
    }),
    route({
      method: 'delete',
      path: '/api/providers/{provider}/keys/{key_id}',
      summary: 'Remove a key of a provider',
      description: 'Virtual keys that name it can no longer use it. The answer shows what it was.',
      scope: 'write',
      response: ProviderKeyView,
      handle: ({ params, actor }) => providers.removeKey(placeOf(params), actor),
    }),
  ];
}

function placeOf({ provider, key_id }: { readonly provider: string; readonly key_id: string }): KeyPlace {
  return { provider: pathId(provider), id: pathId(key_id) };
}

/** The objects inside a body: what reads show of them is what writes take. */
const BLOCKS = ['network_config', 'concurrency_and_buffer_size', 'custom_provider_config'] as const;
const KEY_BLOCKS = ['azure_key_config', 'bedrock_key_config', 'vertex_key_config'] as const;

function idleInProvider(body: ProviderUpdate | ProviderCreate, input: z.ZodObject, isUpdate: boolean): string[] {
  const keys = isUpdate || !Array.isArray(body['keys']) ? [] : (body['keys'] as ProviderKeyCreate[]);
  return [
    ...findIdle(body, { input, view: ProviderView }, isUpdate),
    ...idleInBlocks(body, input, BLOCKS, ''),
    ...keys.flatMap((key, index) => idleInKey(key, false, `keys[${index}].`)),
  ];
}

function idleInKey(body: ProviderKeyUpdate, isUpdate: boolean, prefix = ''): string[] {
  const input = isUpdate ? ProviderKeyUpdate : ProviderKeyCreate;
  return [
    ...findIdle(body, { input, view: ProviderKeyView }, isUpdate, prefix),
    ...idleInBlocks(body, input, KEY_BLOCKS, prefix),
  ];
}

function idleInBlocks(body: object, input: z.ZodObject, names: readonly string[], prefix: string): string[] {
  return names.flatMap((name) => {
    const block = (body as Record<string, unknown>)[name];
    const schema = unwrap(input.shape[name]);
    if (typeof block !== 'object' || block === null || schema === undefined) return [];
    return unknownFields(schema, block, `${prefix}${name}.`);
  });
}

/** The object schema behind `.nullish()`. */
function unwrap(schema: unknown): z.ZodObject | undefined {
  let inner = schema;
  while (inner instanceof z.ZodOptional || inner instanceof z.ZodNullable) inner = inner.unwrap();
  return inner instanceof z.ZodObject ? inner : undefined;
}
