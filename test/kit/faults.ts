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
