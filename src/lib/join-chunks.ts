const NO_BYTES = Buffer.alloc(0);

/** All chunks as one; a single one, as nearly everything comes, is not copied. */
export function joinChunks(chunks: readonly Buffer[]): Buffer {
  const [first = NO_BYTES] = chunks;
  return chunks.length > 1 ? Buffer.concat(chunks) : first;
}
