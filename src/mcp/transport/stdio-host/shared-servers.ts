import type { ProcessGuard } from '../process-guard.ts';
import { createSharedChild, type SharedChild } from './shared-child.ts';
import type { Wanted } from './wire.ts';

/** The server processes of a machine, by what they were started as. */
export interface SharedServers {
  /** The process that a new connection belongs to; started now if there is none. */
  choose(server: Wanted): SharedChild;
  /** This process serves from now on; connections to an older one are told. */
  lead(child: SharedChild): void;
  close(): Promise<void>;
}

/** The processes of one server. Older ones serve on until their last connection has gone, but take no new one. */
interface Slot {
  serving: SharedChild | undefined;
  /** On trial: whoever asked for it has not taken it yet, and may be disappointed. */
  candidate: SharedChild | undefined;
}

export function createSharedServers(guard: ProcessGuard): SharedServers {
  const slots = new Map<string, Slot>();
  const running = new Set<SharedChild>();
  let count = 0;

  function start({ command, args, env, cwd }: Wanted, key: string, slot: Slot): SharedChild {
    count += 1;
    const child = createSharedChild({ command, args, env, cwd, guard }, count, () => {
      if (slot.serving === child) slot.serving = undefined;
      if (slot.candidate === child) slot.candidate = undefined;
      if (slot.serving === undefined && slot.candidate === undefined) slots.delete(key);
      void child.stop().finally(() => running.delete(child));
    });
    running.add(child);
    return child;
  }

  return {
    choose(server) {
      const key = keyOf(server);
      const slot = slots.get(key) ?? { serving: undefined, candidate: undefined };
      slots.set(key, slot);
      const { serving } = slot;
      if (serving !== undefined && serving.number !== server.instead) return serving;
      return (slot.candidate ??= start(server, key, slot));
    },
    lead(child) {
      for (const slot of slots.values()) {
        if (slot.candidate !== child) continue;
        slot.serving?.replace();
        slot.serving = child;
        slot.candidate = undefined;
      }
    },
    async close() {
      await Promise.all([...running].map((child) => child.stop()));
    },
  };
}

function keyOf({ id, command, args, env, cwd }: Wanted): string {
  const variables = Object.entries(env).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return JSON.stringify([id, command, args, variables, cwd]);
}
