/** Keeps so many values, those used longest ago being forgotten first. */
export interface Latest<K, V> {
  /** The value that is kept, or the one made now. */
  get(key: K, make: () => V): V;
  clear(): void;
}

export function createLatest<K, V>(limit: number): Latest<K, V> {
  // Of two generations the older is forgotten as a whole: a hit in the younger, the usual case, costs one look-up.
  let young = new Map<K, V>();
  let old = new Map<K, V>();

  return {
    get(key, make) {
      const known = young.get(key);
      if (known !== undefined) return known;
      const value = old.get(key) ?? make();
      if (young.size >= limit / 2) [young, old] = [new Map(), young];
      young.set(key, value);
      return value;
    },
    clear() {
      young.clear();
      old.clear();
    },
  };
}
