/** Makes one of the steps of something throw: the first, the second, and so on. */
export interface Faults {
  /** The same part, each call of which is a step. */
  watch<T extends object>(part: T, name: string): T;
  /** Lets this step throw, counted from 1 from now on; 0 none. */
  failAt(step: number): void;
  /** The steps taken since then, by name. */
  readonly steps: readonly string[];
}

export function createFaults(): Faults {
  let steps: string[] = [];
  let failing = 0;

  function watch<T extends object>(part: T, name: string): T {
    return new Proxy(part, {
      get(target, key) {
        const value: unknown = Reflect.get(target, key);
        if (typeof value !== 'function' || typeof key !== 'string') return value;
        const step = `${name}.${key}`;
        return (...input: unknown[]) => {
          steps.push(step);
          if (steps.length === failing) throw new Error(`injected into ${step}`);
          const output: unknown = Reflect.apply(value, target, input);
          // A store inside a transaction is a store.
          return key === 'with' ? watch(output as object, name) : output;
        };
      },
    });
  }

  return {
    watch,
    failAt(step) {
      failing = step;
      steps = [];
    },
    get steps() {
      return steps;
    },
  };
}

/** The exports of a module for `vi.mock`: its functions are steps, and so are the methods of what its `createX` make. */
export function watchModule(faults: Faults, module: object, name: string): Record<string, unknown> {
  const watched = faults.watch({ ...module }, name);
  const isMaker = (key: string, value: unknown): value is (...input: unknown[]) => unknown =>
    typeof value === 'function' && key.startsWith('create');
  const made = (part: unknown): unknown =>
    typeof part === 'object' && part !== null ? faults.watch(unfrozen(part), name) : part;
  return Object.fromEntries(
    Object.entries(module).map(([key, value]: [string, unknown]) => {
      if (!isMaker(key, value)) return [key, Reflect.get(watched, key)];
      const make = (...input: unknown[]): unknown => {
        const part = value(...input);
        return part instanceof Promise ? part.then(made) : made(part);
      };
      return [key, make];
    }),
  );
}

/** A proxy may not answer for the properties of a frozen object. */
function unfrozen<T extends object>(part: T): T {
  return Object.defineProperties({}, Object.getOwnPropertyDescriptors({ ...part })) as T;
}
