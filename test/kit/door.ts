import { startUpstream, type Upstream } from './upstream.ts';

/** A server with a door for requests of one method: while it is shut they wait. */
export interface ServerWithDoor extends Upstream {
  shut(): void;
  open(): void;
  /** Whether somebody waits at the door. */
  isAwaited(): boolean;
}

/** Starts it, with the door open. */
export async function startServerWithDoor(method: string): Promise<ServerWithDoor> {
  let door: PromiseWithResolvers<void> | undefined;
  let waiting = 0;
  const upstream = await startUpstream({
    async guard(_request, _response, body) {
      if (door === undefined || (body as { method?: string } | undefined)?.method !== method) return true;
      waiting += 1;
      await door.promise;
      waiting -= 1;
      return true;
    },
  });
  return Object.assign(upstream, {
    shut: () => void (door ??= Promise.withResolvers()),
    open() {
      door?.resolve();
      door = undefined;
    },
    isAwaited: () => waiting > 0,
  });
}
