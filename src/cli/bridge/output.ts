import type { Writable } from 'node:stream';
import { oneLine } from './message.ts';

/** Something that can be told to wait. */
export interface Source {
  pause(): void;
  resume(): void;
}

/** Standard output as the client reads it: one message a line. */
export interface Output {
  /** True while the client reads too slowly: whoever has more should be held. */
  readonly isFull: boolean;
  write(message: Buffer): void;
  /** Pauses the source until the client has read what waits for it. */
  hold(source: Source): void;
  /** Resolves when all that was written has been taken. */
  flush(): Promise<void>;
}

const NEWLINE = Buffer.from('\n');
/** A large message goes out as it is; a small one is cheaper copied together with its newline. */
const COPY_LIMIT = 16 * 1024;

export function createOutput(stream: Writable): Output {
  const held = new Set<Source>();
  stream.on('drain', () => {
    const sources = [...held];
    held.clear();
    for (const source of sources) source.resume();
  });

  return {
    get isFull() {
      return stream.writableNeedDrain;
    },
    write(message) {
      const line = oneLine(message);
      if (line.length <= COPY_LIMIT) return void stream.write(Buffer.concat([line, NEWLINE]));
      stream.cork();
      stream.write(line);
      stream.write(NEWLINE);
      stream.uncork();
    },
    hold(source) {
      source.pause();
      held.add(source);
    },
    flush: () => new Promise((resolve) => void stream.write('', () => resolve())),
  };
}
