import { GatewayError } from '../../lib/errors.ts';
import type { JsonValue } from '../../lib/json-rpc.ts';

type Step =
  | { readonly kind: 'member'; readonly name: string }
  | { readonly kind: 'all' }
  | { readonly kind: 'slice'; readonly from: number | undefined; readonly to: number | undefined };

/** One step of a path: `.name`, `['name']`, `[0]`, `[-1]`, `[2:5]`, `[*]`, `.*`. */
const STEP =
  /^(?:\.?\[(?:(?<index>-?\d+)|(?<from>-?\d*):(?<to>-?\d*)|(?<all>\*)|'(?<single>[^']*)'|"(?<double>[^"]*)")\]|\.?(?<star>\*)|\.?(?<name>[^.[\]*'"]+))/;
const MAX_STEPS = 50;
const MAX_VALUES = 10_000;

/** The values at a path such as `$.items[0:10].name`; there are no filters and no `..`. Throws `invalid_request`. */
export function valuesAt(value: JsonValue, path: string): JsonValue[] {
  let values: JsonValue[] = [value];
  for (const step of parsePath(path)) {
    values = values.flatMap((each) => take(each, step));
    if (values.length > MAX_VALUES) values = values.slice(0, MAX_VALUES);
  }
  return values;
}

/** Whether a path leads to one value, or to several. */
export function isPlural(path: string): boolean {
  return parsePath(path).some(({ kind }) => kind !== 'member');
}

function parsePath(path: string): Step[] {
  let rest = path.trim().replace(/^\$/, '');
  const steps: Step[] = [];
  while (rest !== '') {
    const match = STEP.exec(rest);
    if (match === null || steps.length >= MAX_STEPS) {
      const example = 'such as $.items[0:10].name';
      throw new GatewayError(
        'invalid_request',
        `jsonPath: cannot be read from ${JSON.stringify(rest.slice(0, 40))} on; it must be ${example}`,
      );
    }
    steps.push(toStep(match.groups ?? {}));
    rest = rest.slice(match[0].length);
  }
  return steps;
}

function toStep({ index, from, to, all, star, single, double, name }: Record<string, string | undefined>): Step {
  if (all !== undefined || star !== undefined) return { kind: 'all' };
  if (from !== undefined) return { kind: 'slice', from: numberOf(from), to: numberOf(to) };
  return { kind: 'member', name: index ?? single ?? double ?? name ?? '' };
}

function numberOf(text: string | undefined): number | undefined {
  return text === undefined || text === '' ? undefined : Number(text);
}

function take(value: JsonValue, step: Step): JsonValue[] {
  if (typeof value !== 'object' || value === null) return [];
  if (Array.isArray(value)) {
    if (step.kind === 'all') return value;
    if (step.kind === 'slice') return value.slice(step.from, step.to);
    const found = /^-?\d+$/.test(step.name) ? value.at(Number(step.name)) : undefined;
    return found === undefined ? [] : [found];
  }
  if (step.kind === 'slice') return [];
  if (step.kind === 'all') return Object.values(value).filter((each) => each !== undefined);
  const found = Object.hasOwn(value, step.name) ? value[step.name] : undefined;
  return found === undefined ? [] : [found];
}
