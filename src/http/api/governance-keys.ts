import { z } from 'zod';
import {
  BudgetOverride,
  BudgetView,
  RotateKeys,
  VirtualKeyCreate,
  VirtualKeyUpdate,
  VirtualKeyView,
} from '../../contract/governance.ts';
import type { Caller } from '../../governance/caller.ts';
import { mask } from '../../lib/secret.ts';
import { unknownFields } from '../check-input.ts';
import { flag, PAGING, pageOf } from '../query.ts';
import { route, type Route } from '../route.ts';
import { findIdle, pathId, withWarnings } from './governance-input.ts';
import type { BudgetOfKey, KeyDirectory } from '../../governance/key-directory.ts';

const KeyQuery = z.object({
  ...PAGING,
  team_id: z.string().optional().meta({ description: 'Only keys of this team.' }),
  customer_id: z.string().optional().meta({ description: 'Only keys of this customer.' }),
  from_memory: flag('Accepted and without effect: what is read is always what was last written.'),
});

const KeyList = z.object({
  virtual_keys: z.array(VirtualKeyView),
  count: z.int(),
  total_count: z.int(),
  limit: z.int(),
  offset: z.int(),
});
const OneKey = z.object({ virtual_key: VirtualKeyView });
const warnings = z
  .array(z.string())
  .optional()
  .meta({ description: 'What was sent but has no effect, for example unknown fields.' });
const WrittenKey = z.object({ message: z.string(), virtual_key: VirtualKeyView, warnings });
const RotatedKeys = z.object({ message: z.string(), virtual_keys: z.array(VirtualKeyView), count: z.int(), warnings });
const Removed = z.object({ message: z.string() });
const Override = z.object({ budget: BudgetView, effective_max_limit: z.number(), warnings });

/** `/api/governance/virtual-keys`. Every change is live when its answer arrives. */
export function virtualKeyRoutes(keys: KeyDirectory): readonly Route[] {
  return [...readRoutes(keys), ...writeRoutes(keys), ...rotateRoutes(keys), ...overrideRoutes(keys)];
}

function readRoutes(keys: KeyDirectory): Route[] {
  return [
    route({
      method: 'get',
      path: '/api/governance/virtual-keys',
      summary: 'List the virtual keys',
      description: 'With their values, for whoever may write. Without limit, offset and search: all of them.',
      scope: 'read',
      query: KeyQuery,
      response: KeyList,
      async handle({ query: { search, limit, offset, team_id, customer_id }, caller }) {
        const page = pageOf({ search, limit, offset });
        const { virtual_keys: found, total_count } = await keys.list({ search, team_id, customer_id, ...page });
        const virtual_keys = found.map((key) => shownTo(caller, key));
        const count = virtual_keys.length;
        return { virtual_keys, count, total_count, limit: page?.limit ?? count, offset: page?.offset ?? 0 };
      },
    }),
    route({
      method: 'get',
      path: '/api/governance/virtual-keys/{id}',
      summary: 'Get a virtual key',
      scope: 'read',
      response: OneKey,
      handle: async ({ params, caller }) => ({ virtual_key: shownTo(caller, await keys.get(pathId(params.id))) }),
    }),
  ];
}

/** A value is a credential: whoever may only look must not be able to use it. */
function shownTo(caller: Caller | undefined, key: VirtualKeyView): VirtualKeyView {
  return caller?.scopes.includes('write') === true ? key : { ...key, value: mask(key.value) };
}

function writeRoutes(keys: KeyDirectory): Route[] {
  return [
    route({
      method: 'post',
      path: '/api/governance/virtual-keys',
      summary: 'Create a virtual key',
      description: 'The gateway makes its value. What is not granted is denied: no provider, no tool.',
      scope: 'write',
      body: VirtualKeyCreate,
      response: WrittenKey,
      async handle({ body, actor }) {
        const virtual_key = await keys.create(body, actor);
        const idle = findIdle(body, { input: VirtualKeyCreate, view: VirtualKeyView }, false);
        return { message: 'Virtual key created successfully', virtual_key, ...withWarnings(idle) };
      },
    }),
    route({
      method: 'put',
      path: '/api/governance/virtual-keys/{id}',
      summary: 'Update a virtual key',
      description:
        'Absent keeps; null, "" and [] clear. Lists replace; budgets that keep their reset_duration keep what is used of them.',
      scope: 'write',
      body: VirtualKeyUpdate,
      response: WrittenKey,
      async handle({ params, body, actor }) {
        const virtual_key = await keys.update(pathId(params.id), body, actor);
        const idle = findIdle(body, { input: VirtualKeyUpdate, view: VirtualKeyView }, true);
        return { message: 'Virtual key updated successfully', virtual_key, ...withWarnings(idle) };
      },
    }),
    route({
      method: 'delete',
      path: '/api/governance/virtual-keys/{id}',
      summary: 'Delete a virtual key',
      description: 'With its grants, budgets and limits. It stops working before the answer is sent.',
      scope: 'write',
      response: Removed,
      async handle({ params, actor }) {
        await keys.remove(pathId(params.id), actor);
        return { message: 'Virtual key deleted successfully' };
      },
    }),
  ];
}

function rotateRoutes(keys: KeyDirectory): Route[] {
  return [
    route({
      method: 'post',
      path: '/api/governance/virtual-keys/{id}/rotate',
      summary: 'Rotate a virtual key',
      description: 'Gives it a new value. The former one works for client.vk_rotation_cooldown seconds more.',
      scope: 'write',
      response: WrittenKey,
      async handle({ params, actor }) {
        const virtual_key = await keys.rotate(pathId(params.id), actor);
        return { message: 'Virtual key rotated successfully', virtual_key };
      },
    }),
    route({
      method: 'post',
      path: '/api/governance/virtual-keys/rotate',
      summary: 'Rotate several virtual keys',
      description: 'All of them or, when an id is unknown, none.',
      scope: 'write',
      body: RotateKeys,
      response: RotatedKeys,
      async handle({ body, actor }) {
        const virtual_keys = await keys.rotateAll(body.ids, actor);
        const count = virtual_keys.length;
        const idle = unknownFields(RotateKeys, body);
        return { message: `${count} virtual keys rotated successfully`, virtual_keys, count, ...withWarnings(idle) };
      },
    }),
  ];
}

function overrideRoutes(keys: KeyDirectory): Route[] {
  return [
    route({
      method: 'put',
      path: '/api/governance/virtual-keys/{id}/budgets/{budget_id}/override',
      summary: 'Override a budget',
      description: 'Allows more than the budget says, for some windows or for good.',
      scope: 'write',
      body: BudgetOverride,
      response: Override,
      async handle({ params, body, actor }) {
        const view = await keys.override(budgetOf(params), body, actor);
        return { ...view, ...withWarnings(unknownFields(BudgetOverride, body)) };
      },
    }),
    route({
      method: 'delete',
      path: '/api/governance/virtual-keys/{id}/budgets/{budget_id}/override',
      summary: 'End the override of a budget',
      scope: 'write',
      response: Override,
      handle: ({ params, actor }) => keys.endOverride(budgetOf(params), actor),
    }),
  ];
}

function budgetOf({ id, budget_id }: { readonly id: string; readonly budget_id: string }): BudgetOfKey {
  return { id: pathId(id), budgetId: pathId(budget_id) };
}
