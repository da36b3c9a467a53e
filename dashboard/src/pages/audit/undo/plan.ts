/** What undoing a change sends, and what it has to leave as it is. */
export interface Plan<Draft> {
  /** The fields that get their former values back, as far as they are known. */
  readonly changes: Partial<Draft>;
  /** Paths of secrets that differ: of them the trail has only masks. */
  readonly left: readonly string[];
}

type JsonObject = Readonly<Record<string, unknown>>;

/**
 * Puts former values back where one change changed them, and nowhere else: `before` and `after` are that change as drafts,
 * `current` is what is stored now, `masks` are the paths in `before` that are secrets.
 */
export function planUndo<Draft extends object>(
  before: Draft,
  after: Draft,
  current: Draft,
  masks: ReadonlySet<string>,
): Plan<Draft> {
  const left: string[] = [];
  const fields = Object.keys(before) as (keyof Draft & string)[]; // of our own object
  const restored = fields.flatMap((field): [string, unknown][] => {
    if (isSame(before[field], after[field])) return [];
    const value = restore(before[field], current[field], { path: field, masks, left });
    return value === undefined || isSame(value, current[field]) ? [] : [[field, value]];
  });
  return { changes: Object.fromEntries(restored) as Partial<Draft>, left };
}

interface Place {
  readonly path: string;
  readonly masks: ReadonlySet<string>;
  readonly left: string[];
}

/** The former value with the secrets of today; undefined where there is nothing of it to restore. */
function restore(former: unknown, current: unknown, { path, masks, left }: Place): unknown {
  if (masks.has(path) || isMaskedText(former)) {
    if (!isSame(former, current)) left.push(path);
    return current;
  }
  if (Array.isArray(former)) {
    const now: readonly unknown[] = Array.isArray(current) ? current : [];
    return former.filter((entry) => {
      // Of the environment of a process the view shows lines such as TOKEN=****.
      const isMasked = isMaskedText(entry) || (path.endsWith('.envs') && /=\*+$/.test(String(entry)));
      if (!isMasked || now.includes(entry)) return true;
      left.push(path);
      return false;
    });
  }
  if (!isObject(former)) return former;
  const members = Object.entries(former).map(([name, value]): [string, unknown] => {
    const inner = isObject(current) ? current[name] : undefined;
    return [name, restore(value, inner, { path: `${path}.${name}`, masks, left })];
  });
  return Object.fromEntries(members.filter(([, value]) => value !== undefined));
}

/** The paths of a view that are secrets of which it shows a mask only. A reference to a secret is none itself. */
export function masksIn(view: unknown, path = ''): ReadonlySet<string> {
  if (!isObject(view)) return new Set();
  if (typeof view['value'] === 'string' && typeof view['from_env'] === 'boolean') {
    const isReference = view['from_env'] || (view['secret_ref'] ?? '') !== '';
    return new Set(isReference || view['value'] === '' ? [] : [path]);
  }
  const inside = Object.entries(view).flatMap(([name, value]) => [
    ...masksIn(value, path === '' ? name : `${path}.${name}`),
  ]);
  return new Set(inside);
}

/** What every mask of a longer text has in it. */
function isMaskedText(value: unknown): boolean {
  return typeof value === 'string' && value.includes('*'.repeat(24));
}

function isSame(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
