import { EventEmitter } from 'node:events';
import type { Exchange } from '../../src/store/exchange.ts';
import { createSiblings, type Siblings } from '../../src/store/siblings.ts';

/** A part of this process that passes for a process of its own. */
export interface TestSiblings extends Siblings {
  /** It ends: its supervisor hears so, as of a process that was killed. */
  end(): void;
}

/** Takes part in an exchange without a process. Messages are copied and take a turn, as between processes. */
export function joinExchange(exchange: Exchange): TestSiblings {
  const [inside, outside] = [new EventEmitter(), new EventEmitter()];
  const sendTo = (other: EventEmitter) => (message: object, callback: (error: Error | null) => void) => {
    const text = JSON.stringify(message);
    setImmediate(() => {
      other.emit('message', JSON.parse(text));
      callback(null);
    });
  };
  exchange.add(Object.assign(outside, { send: sendTo(inside) }));
  const siblings = createSiblings(Object.assign(inside, { send: sendTo(outside) }));
  return { ...siblings, end: () => void outside.emit('exit') };
}
