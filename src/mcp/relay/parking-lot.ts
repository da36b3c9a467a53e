import { randomUUID } from 'node:crypto';
import type { Conversation } from './conversation.ts';

/** Running requests whose users are being asked something, until the answers come or the time is up. */
export interface ParkingLot {
  /** Gives the id to take it back with. */
  park(conversation: Conversation): string;
  take(id: string): Conversation | undefined;
}

/** A request that nobody comes back for is cancelled after `limitMs`. */
export function createParkingLot(limitMs: number): ParkingLot {
  const waiting = new Map<string, { conversation: Conversation; timer: NodeJS.Timeout }>();
  return {
    park(conversation) {
      const id = randomUUID();
      const timer = setTimeout(() => {
        waiting.delete(id);
        conversation.cancel();
      }, limitMs).unref();
      waiting.set(id, { conversation, timer });
      return id;
    },
    take(id) {
      const entry = waiting.get(id);
      waiting.delete(id);
      clearTimeout(entry?.timer);
      return entry?.conversation;
    },
  };
}
