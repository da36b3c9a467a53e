import type { z } from 'zod';
import {
  BudgetInput,
  BudgetView,
  McpConfigInput,
  McpConfigView,
  ProviderConfigInput,
  ProviderConfigView,
  RateLimitInput,
  RateLimitView,
} from '../../contract/governance.ts';
import { GatewayError } from '../../lib/errors.ts';
import { unknownFields } from '../check-input.ts';

type Shape = z.ZodObject;

/** What an object may say, and what reads show of it: what is shown may be sent back and has no effect. */
interface Known {
  readonly input: Shape;
  readonly view: Shape;
}

const BUDGET: Known = { input: BudgetInput, view: BudgetView };
const RATE_LIMIT: Known = { input: RateLimitInput, view: RateLimitView };
const PROVIDER: Known = { input: ProviderConfigInput, view: ProviderConfigView };
const MCP: Known = { input: McpConfigInput, view: McpConfigView };

/** Warnings for every field of a body, at any depth, that has no effect: it is neither an input nor sent back as it was read. */
export function findIdle(body: object, known: Known, isUpdate: boolean, prefix = ''): string[] {
  const { input, view } = known;
  // On creation nothing has an id yet: one that is sent comes from a copy, and says nothing.
  const { id: _, ...settable } = input.shape;
  const shape = { shape: isUpdate ? { ...view.shape, ...input.shape } : settable };
  return [
    ...unknownFields(shape as Shape, body, prefix),
    ...nested(body, prefix).flatMap(([value, kind, place]) => findIdle(value, kind, isUpdate, place)),
  ];
}

function nested(body: object, prefix: string): [object, Known, string][] {
  const { budgets, budget, rate_limit, provider_configs, mcp_configs } = body as Record<string, unknown>;
  return [
    ...items(budgets, BUDGET, `${prefix}budgets`),
    ...items(provider_configs, PROVIDER, `${prefix}provider_configs`),
    ...items(mcp_configs, MCP, `${prefix}mcp_configs`),
    ...(isObject(budget) ? [[budget, BUDGET, `${prefix}budget.`] as [object, Known, string]] : []),
    ...(isObject(rate_limit) ? [[rate_limit, RATE_LIMIT, `${prefix}rate_limit.`] as [object, Known, string]] : []),
  ];
}

function items(list: unknown, known: Known, place: string): [object, Known, string][] {
  if (!Array.isArray(list)) return [];
  return list.filter(isObject).map((item, index) => [item, known, `${place}[${index}].`]);
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}

/** The id of a path, which has been decoded once: no slash, no dot segment, nothing that is not in any id. */
export function pathId(text: string): string {
  if (/^(?!\.{1,2}$)[\w.:@-]{1,255}$/.test(text)) return text;
  throw new GatewayError('invalid_request', 'the id in the path must be letters, digits, "-", "_", ".", ":" or "@"');
}

/** The `warnings` of an answer, if there are any. */
export function withWarnings(warnings: readonly string[]): { warnings?: string[] } {
  return warnings.length === 0 ? {} : { warnings: [...warnings] };
}
