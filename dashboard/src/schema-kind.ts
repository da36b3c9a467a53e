/** A JSON Schema, or a part of one. */
export type Schema = Readonly<Record<string, unknown>>;

/** One thing that an enumeration lets choose. */
export interface Choice {
  readonly value: unknown;
  readonly label: string;
}

/** Which control asks for a value. `json` is what no other control can do. */
export type Kind =
  | { readonly kind: 'text' | 'number' | 'boolean' | 'json' }
  | { readonly kind: 'choice'; readonly choices: readonly Choice[] }
  | { readonly kind: 'choices'; readonly choices: readonly Choice[] }
  | { readonly kind: 'list'; readonly items: Schema }
  | {
      readonly kind: 'object';
      readonly fields: readonly { readonly name: string; readonly schema: Schema; readonly isRequired: boolean }[];
    };

/** Deeper than this is JSON: schemas may contain themselves. */
const MAX_DEPTH = 4;

/** The control for a schema. `root` holds what its references name. */
export function kindOf(given: Schema, root: Schema, depth = 0): Kind {
  const schema = resolve(given, root);
  const choices = choicesOf(schema);
  if (choices !== undefined) return { kind: 'choice', choices };
  const type = singleType(schema);
  if (type === 'string') return { kind: 'text' };
  if (type === 'number' || type === 'integer') return { kind: 'number' };
  if (type === 'boolean') return { kind: 'boolean' };
  if (depth > MAX_DEPTH) return { kind: 'json' };
  if (type === 'array') return listKind(schema, root);
  if (type === 'object' || (type === undefined && isSchema(schema['properties']))) return objectKind(schema);
  return { kind: 'json' };
}

/** A schema with its local reference followed, and without the "or null" that many generators write. */
export function resolve(schema: Schema, root: Schema): Schema {
  const { $ref, anyOf, oneOf, ...rest } = schema;
  if (typeof $ref === 'string' && $ref.startsWith('#/')) {
    const found = $ref
      .slice(2)
      .split('/')
      .reduce<unknown>((at, name) => (isSchema(at) ? at[name.replaceAll('~1', '/').replaceAll('~0', '~')] : {}), root);
    return isSchema(found) && found['$ref'] !== $ref ? { ...found, ...rest } : {};
  }
  const options = anyOf ?? oneOf;
  if (!Array.isArray(options)) return schema;
  const real = (options as unknown[]).filter((option) => !isSchema(option) || option['type'] !== 'null');
  const [only] = real;
  return real.length === 1 && isSchema(only) ? resolve({ ...rest, ...only }, root) : schema;
}

function listKind(schema: Schema, root: Schema): Kind {
  const { items } = schema;
  if (!isSchema(items)) return { kind: 'json' };
  const choices = choicesOf(resolve(items, root));
  return choices === undefined ? { kind: 'list', items } : { kind: 'choices', choices };
}

function objectKind(schema: Schema): Kind {
  const { properties, required, oneOf, anyOf, allOf } = schema;
  // What is combined, and what has names of any kind, cannot be asked for field by field.
  if ([oneOf, anyOf, allOf].some(Array.isArray) || !isSchema(properties)) return { kind: 'json' };
  const names = Array.isArray(required) ? required.map(String) : [];
  const fields = Object.entries(properties).map(([name, part]) => ({
    name,
    schema: isSchema(part) ? part : {},
    isRequired: names.includes(name),
  }));
  return { kind: 'object', fields };
}

function choicesOf(schema: Schema): Choice[] | undefined {
  const { enum: values, enumNames, oneOf, anyOf } = schema;
  if (Array.isArray(values)) {
    const titles = Array.isArray(enumNames) ? (enumNames as unknown[]) : [];
    return values.map((value: unknown, index) => ({ value, label: textOf(titles[index] ?? value) }));
  }
  if ('const' in schema) return [{ value: schema['const'], label: textOf(schema['title'] ?? schema['const']) }];
  const options: unknown = oneOf ?? anyOf;
  if (!Array.isArray(options) || options.length === 0) return undefined;
  const all = options as unknown[];
  if (!all.every((option) => isSchema(option) && 'const' in option)) return undefined;
  return all.filter(isSchema).map((option) => ({
    value: option['const'],
    label: textOf(option['title'] ?? option['const']),
  }));
}

function singleType({ type }: Schema): unknown {
  if (!Array.isArray(type)) return type;
  const real = (type as unknown[]).filter((name) => name !== 'null');
  return real.length === 1 ? real[0] : 'several';
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}

function isSchema(value: unknown): value is Schema {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
