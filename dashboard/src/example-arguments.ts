type Schema = Readonly<Record<string, unknown>>;

/** Arguments to begin with: what a JSON Schema demands, by its defaults, examples and choices, or empty. */
export function exampleOf(schema: Schema): Record<string, unknown> {
  const { properties, required } = schema;
  const names = Array.isArray(required) ? required.map(String) : [];
  const known = (properties ?? {}) as Readonly<Record<string, Schema>>; // "properties" is always there
  return Object.fromEntries(names.map((name) => [name, valueOf(known[name] ?? {})]));
}

function valueOf(schema: Schema): unknown {
  const { default: given, examples, enum: choices, type } = schema;
  if (given !== undefined) return given;
  if (Array.isArray(examples) && examples.length > 0) return examples[0] as unknown;
  if (Array.isArray(choices) && choices.length > 0) return choices[0] as unknown;
  if (schema['const'] !== undefined) return schema['const'];
  const first: unknown = Array.isArray(type) ? type[0] : type;
  if (first === 'number' || first === 'integer') return typeof schema['minimum'] === 'number' ? schema['minimum'] : 0;
  if (first === 'boolean') return false;
  if (first === 'array') return [];
  if (first === 'object') return exampleOf(schema);
  return '';
}
