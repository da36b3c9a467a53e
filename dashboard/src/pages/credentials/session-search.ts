/** What is looked for among the credentials, and which server is diagnosed. */
export interface SessionFilter {
  readonly q?: string;
  readonly status?: string;
  readonly doctor?: string;
}

const FIELDS = ['q', 'status', 'doctor'] as const;

/** The filter in the URL; what it does not know is left out. */
export function readSessionFilter(search: Readonly<Record<string, unknown>>): SessionFilter {
  const given = FIELDS.filter((field) => typeof search[field] === 'string' && search[field] !== '');
  return Object.fromEntries(given.map((field) => [field, search[field]]));
}
