/** Shorter texts are found by chance. */
const SHORTEST = 4;

/** The text without any of the secrets: a server may well repeat what it does not like. */
export function conceal(text: string, secrets: readonly string[]): string {
  const found = secrets.filter(({ length }) => length >= SHORTEST).toSorted((a, b) => b.length - a.length);
  return found.reduce((clean, secret) => clean.replaceAll(secret, '***'), text);
}

/** {@link conceal} for every text in a JSON value. */
export function concealAll(value: unknown, secrets: readonly string[]): unknown {
  if (typeof value === 'string') return conceal(value, secrets);
  if (Array.isArray(value)) return value.map((item) => concealAll(item, secrets));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, concealAll(item, secrets)]));
}
