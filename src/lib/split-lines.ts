const NEWLINE = 0x0a;

export interface LineSplitter {
  /** Takes the next bytes. False when a line grew beyond the limit: the splitter is of no use after that. */
  push(chunk: Buffer): boolean;
}

/**
 * Cuts a byte stream at its newlines. A line inside one chunk is handed on as a view of that chunk; only a line that arrived
 * in pieces is copied, once, when its end is there.
 */
export function createLineSplitter(limit: number, onLine: (line: Buffer) => void): LineSplitter {
  let pieces: Buffer[] = [];
  let size = 0;

  return {
    push(chunk) {
      let start = 0;
      for (let end = chunk.indexOf(NEWLINE); end !== -1; end = chunk.indexOf(NEWLINE, start)) {
        const piece = chunk.subarray(start, end);
        start = end + 1;
        size += piece.length;
        if (size > limit) return false;
        const line = pieces.length === 0 ? piece : Buffer.concat([...pieces, piece], size);
        pieces = [];
        size = 0;
        onLine(line);
      }
      if (start === chunk.length) return true;
      pieces.push(chunk.subarray(start));
      size += chunk.length - start;
      return size <= limit;
    },
  };
}
