/** One value that is not what it was. */
export interface Difference {
  /** Such as `headers.X-Team` or `tools_to_execute[1]`; empty for the whole. */
  readonly path: string;
  readonly kind: 'added' | 'removed' | 'changed';
  readonly before: unknown;
  readonly after: unknown;
}

/** What differs between two records, value by value. */
export function differencesOf(before: unknown, after: unknown): readonly Difference[] {
  const [old, young] = [leavesOf(before), leavesOf(after)];
  const paths = [...new Set([...old.keys(), ...young.keys()])];
  return paths.flatMap((path): Difference[] => {
    const [was, is] = [old.get(path), young.get(path)];
    if (JSON.stringify(was) === JSON.stringify(is)) return [];
    const kind = !old.has(path) ? 'added' : young.has(path) ? 'changed' : 'removed';
    return [{ path, kind, before: was, after: is }];
  });
}

/** The values of a record by their paths. What holds nothing is a value itself. */
function leavesOf(value: unknown, path = ''): Map<string, unknown> {
  if (path === '' && (value === null || value === undefined)) return new Map();
  const isList = Array.isArray(value);
  const members = isObject(value) || isList ? Object.entries(value) : [];
  if (members.length === 0) return new Map([[path, value]]);
  return new Map(
    members.flatMap(([name, member]) => {
      const inside = isList ? `${path}[${name}]` : path === '' ? name : `${path}.${name}`;
      return [...leavesOf(member, inside)];
    }),
  );
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}
