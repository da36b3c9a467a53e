import type { z } from 'zod';
import { GatewayError } from '../lib/errors.ts';

type Issue = z.core.$ZodIssue;

/** Checks a request body. Every broken field is named in one message: `tools_to_execute[1]: expected a string; name: …`. */
export function checkBody<S extends z.ZodType>(schema: S, value: unknown): z.output<S> {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  // `null` says "nothing to change" where nothing is required, as existing clients do on PUT.
  if (value === null) {
    const empty = schema.safeParse({});
    if (empty.success) return empty.data;
  }
  throw refuse(result.error.issues, (path, rule) => `${path === '' ? 'Invalid request payload' : path}: ${rule}`);
}

/** Checks query parameters. An empty parameter counts as absent, a repeated one as a comma list. */
export function checkQuery<S extends z.ZodType>(schema: S, search: URLSearchParams): z.output<S> {
  const values: Record<string, string> = {};
  for (const [name, value] of search) {
    if (value !== '') values[name] = values[name] === undefined ? value : `${values[name]},${value}`;
  }
  const result = schema.safeParse(values);
  if (result.success) return result.data;
  throw refuse(result.error.issues, (path, rule) => `Invalid ${path} parameter: ${rule}`);
}

/** Warnings for the fields of a body that no schema knows: they are not an error, but silence would hide a typing error. */
export function unknownFields(schema: z.ZodObject, body: object, prefix = ''): string[] {
  return Object.keys(body)
    .filter((name) => !Object.hasOwn(schema.shape, name))
    .map((name) => `unknown field "${prefix}${name}" was ignored`);
}

function refuse(issues: readonly Issue[], write: (path: string, rule: string) => string): GatewayError {
  const fields = issues.flatMap(openUnion).map((issue) => ({ path: pathOf(issue.path), rule: ruleOf(issue) }));
  const message = fields.map(({ path, rule }) => write(path, rule)).join('; ');
  return new GatewayError('invalid_request', message, { details: { fields } });
}

/** Where the value is of one branch's type only, the faults inside it say more than that no branch fits. */
function openUnion(issue: Issue): Issue[] {
  if (issue.code !== 'invalid_union') return [issue];
  const fitting = issue.errors.filter((branch) => {
    return !branch.some((inner) => inner.code === 'invalid_type' && inner.path.length === 0);
  });
  if (fitting.length !== 1) return [issue];
  return fitting.flat().flatMap((inner) => openUnion({ ...inner, path: [...issue.path, ...inner.path] }));
}

function pathOf(path: readonly PropertyKey[]): string {
  let text = '';
  for (const step of path) {
    if (typeof step === 'number') text += `[${step}]`;
    else if (/^[\w-]+$/.test(String(step))) text += text === '' ? String(step) : `.${String(step)}`;
    else text += `[${JSON.stringify(String(step))}]`;
  }
  return text;
}

function ruleOf(issue: Issue): string {
  if (issue.code !== 'invalid_union') return issue.message;
  // zod only says "Invalid input" here; what would have been right is in the branches.
  const expected = issue.errors.flat().flatMap((inner) => {
    return inner.code === 'invalid_type' && inner.path.length === 0 ? [inner.expected] : [];
  });
  return expected.length === 0 ? issue.message : `Invalid input: expected ${[...new Set(expected)].join(' or ')}`;
}
