import { describe, type Reply } from './exchange.ts';

/**
 * Checks answers that differ in nothing but the one place where each says which call it belongs to. Only the first is looked at
 * closely; the others must equal it byte for byte, but for that mark, whose width never changes.
 */
export function createSameness(
  markOf: ((id: number) => string) | undefined,
  checkFirst: (reply: Reply, id: number) => void,
): (id: number, reply: Reply) => void {
  let pattern: { bytes: Buffer; markAt: number; markLength: number } | undefined;

  return (id, reply) => {
    const mark = markOf?.(id) ?? '';
    if (pattern === undefined) {
      checkFirst(reply, id);
      pattern = { bytes: reply.body, markAt: reply.body.indexOf(mark), markLength: mark.length };
      if (pattern.markAt < 0) throw new Error(`no ${mark} in the answer to call ${id}: ${describe(reply)}`);
      return;
    }
    const { bytes, markAt, markLength } = pattern;
    const isRight =
      reply.status === 200 &&
      reply.body.length === bytes.length &&
      reply.body.toString('latin1', markAt, markAt + markLength) === mark &&
      reply.body.compare(bytes, 0, markAt, 0, markAt) === 0 &&
      reply.body.compare(bytes, markAt + markLength, bytes.length, markAt + markLength) === 0;
    if (!isRight) throw new Error(`wrong answer to call ${id}: ${describe(reply)}`);
  };
}
