import { z } from 'zod';
import { GatewayError } from '../lib/errors.ts';

/** Reads as Go's ParseBool does: existing dashboards send `1` and `t` as well as `true`. */
const BOOLEANS = new Map([
  ...['1', 't', 'T', 'true', 'TRUE', 'True'].map((text) => [text, true] as const),
  ...['0', 'f', 'F', 'false', 'FALSE', 'False'].map((text) => [text, false] as const),
]);

/** A query parameter that is a whole number, zero or more. */
export function wholeNumber(description: string) {
  return z
    .string()
    .transform((text, context) => {
      const value = Number(text);
      const rule = !/^[+-]?\d+$/.test(text) ? 'must be a number' : value < 0 ? 'must be non-negative' : undefined;
      if (rule === undefined) return Math.min(value, Number.MAX_SAFE_INTEGER);
      context.addIssue({ code: 'custom', message: rule });
      return z.NEVER;
    })
    .optional()
    .meta({ type: 'integer', minimum: 0, description });
}

/** A query parameter that is true or false. */
export function flag(description: string) {
  return z
    .string()
    .transform((text, context) => {
      const value = BOOLEANS.get(text);
      if (value !== undefined) return value;
      context.addIssue({ code: 'custom', message: 'must be a boolean' });
      return z.NEVER;
    })
    .optional()
    .meta({ type: 'boolean', description });
}

/** A query parameter that is a comma list; with `words`, only of these. */
export function commaList<const W extends string = string>(description: string, words?: readonly W[]) {
  return z
    .string()
    .transform((text, context) => {
      const parts = text.split(',').flatMap((part) => (part.trim() === '' ? [] : [part.trim()]));
      for (const part of parts) {
        if (words !== undefined && !words.some((word) => word === part)) {
          context.addIssue({ code: 'custom', message: `"${part}" is not one of ${words.join(', ')}` });
        }
      }
      return parts as W[]; // every part was just checked against `words`
    })
    .optional()
    .meta({
      type: 'string',
      description: words === undefined ? description : `${description} Words: ${words.join(', ')}.`,
    });
}

/** A list of nothing but commas names nothing, so it asks for nothing. */
export function unlessEmpty<T>(list: readonly T[] | undefined): readonly T[] | undefined {
  return list?.length === 0 ? undefined : list;
}

/** The error for a query parameter. */
export function refuse(name: string, rule: string): GatewayError {
  return new GatewayError('invalid_request', `Invalid ${name} parameter: ${rule}`, {
    details: { fields: [{ path: name, rule }] },
  });
}

/** The parameters of a list that can be read in pages. */
export const PAGING = {
  search: z.string().optional().meta({ description: 'Part of the name, in any case.' }),
  limit: wholeNumber('Entries per page, 1 to 100; 25 when only offset or search is given.'),
  offset: wholeNumber('Entries to skip.'),
};

export interface Paging {
  readonly search?: string | undefined;
  readonly limit?: number | undefined;
  readonly offset?: number | undefined;
}

/** The page that a request asks for, clamped; undefined when it asks for everything. */
export function pageOf({ search, limit, offset }: Paging): { limit: number; offset: number } | undefined {
  if (search === undefined && limit === undefined && offset === undefined) return undefined;
  return { limit: Math.min(Math.max(limit ?? 25, 1), 100), offset: offset ?? 0 };
}
