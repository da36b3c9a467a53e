/** What is under way, by id: many come and go every second, and few are there at once. */
export interface InFlight<K, V> {
  size(): number;
  set(id: K, value: V): void;
  get(id: K): V | undefined;
  /** Removes the value of `id` and gives it; undefined when there is none. */
  take(id: K): V | undefined;
  values(): V[];
}

/**
 * Creates one that lets go of what it gave away. A Map does not: it moves to a new table every few dozen changes, and the table it
 * leaves keeps what was in it then. Once such a table has grown old, all tables after it and what they keep wait for a full
 * collection, which made every call survive. So the tables get boxes here, and a box is emptied.
 */
export function createInFlight<K, V>(): InFlight<K, V> {
  const boxes = new Map<K, { value: V | undefined }>();
  return {
    size: () => boxes.size,
    set: (id, value) => void boxes.set(id, { value }),
    get: (id) => boxes.get(id)?.value,
    take(id) {
      const box = boxes.get(id);
      if (box === undefined) return undefined;
      boxes.delete(id);
      const { value } = box;
      box.value = undefined;
      return value;
    },
    values: () => Array.from(boxes.values(), ({ value }) => value as V),
  };
}
