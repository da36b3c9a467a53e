import type { z } from 'zod';

type Schema = z.core.JSONSchema.BaseSchema;

/** The paths of all keys in a value that its JSON Schema does not name. */
export function findUnknownKeys(schema: Schema, value: unknown, path: PropertyKey[] = []): string[] {
  if (schema.anyOf !== undefined || schema.oneOf !== undefined) {
    // Keys are unknown only when no branch names them, so the branch that fits best speaks.
    const branches = [...(schema.anyOf ?? []), ...(schema.oneOf ?? [])].filter((branch) => mayBe(branch, value));
    const found = branches.map((branch) => findUnknownKeys(branch, value, path));
    return found.toSorted((a, b) => a.length - b.length)[0] ?? [];
  }
  if (Array.isArray(value)) {
    const items = schema.items;
    return isSchema(items) ? value.flatMap((item, index) => findUnknownKeys(items, item, [...path, index])) : [];
  }
  if (typeof value !== 'object' || value === null || schema.type !== 'object') return [];
  return Object.entries(value).flatMap(([key, part]) => {
    const place = [...path, key];
    const known =
      schema.properties?.[key] ?? (schema.properties === undefined ? schema.additionalProperties : undefined);
    if (known === undefined) return [renderPath(place)];
    return isSchema(known) ? findUnknownKeys(known, part, place) : [];
  });
}

/** A path as people write it: `mcp.client_configs[0].name`. */
export function renderPath(path: readonly PropertyKey[]): string {
  return path
    .map((part) => {
      if (typeof part === 'number') return `[${part}]`;
      const key = String(part);
      return /^[\w$-]+$/.test(key) ? `.${key}` : `[${JSON.stringify(key)}]`;
    })
    .join('')
    .replace(/^\./, '');
}

/** False for the branches of a union that this value is not: of another type, or with another discriminator. */
function mayBe(branch: unknown, value: unknown): branch is Schema {
  if (!isSchema(branch)) return false;
  if (branch.type === 'array' ? !Array.isArray(value) : isSchema(value) && (branch.type ?? 'object') !== 'object')
    return false;
  const fixed = Object.entries(branch.properties ?? {}).filter(
    ([, part]) => isSchema(part) && part.const !== undefined,
  );
  return fixed.every(
    ([key, part]) => isSchema(part) && (value as Record<string, unknown> | null)?.[key] === part.const,
  );
}

function isSchema(value: unknown): value is Schema {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
