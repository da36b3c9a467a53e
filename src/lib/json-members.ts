import { scanObject } from './json-scan.ts';

/** Where a member of a JSON object lies in its bytes. */
export interface Member {
  readonly key: string;
  /** Of the key. */
  readonly from: number;
  /** Of the value. */
  readonly start: number;
  readonly end: number;
  /** The value as text, where somebody had it at hand. */
  readonly text?: string | undefined;
}

/** The members of an object, in their order, and the position behind it. */
export interface Members {
  readonly list: readonly Member[];
  readonly close: number;
}

/** Only of bytes that are long, and looked at by several in turn: an entry costs more than the scan of a short object. */
const known = new WeakMap<Buffer, Members>();

/** The members of the object in these bytes. Throws a SyntaxError where there is none. */
export function membersOf(bytes: Buffer): Members {
  const before = known.get(bytes);
  if (before !== undefined) return before;
  const list: Member[] = [];
  let behind = bytes.indexOf(0x7b) + 1;
  const close = scanObject(bytes, (key, start, end) => {
    list.push({ key, from: bytes.indexOf(0x22, behind), start, end });
    behind = end;
  });
  return { list, close };
}

/** Spares the scan of bytes that were made out of known members, and which nobody may change any more. */
export function noteMembers(bytes: Buffer, members: Members): void {
  known.set(bytes, members);
}

/** The value of a member as it is written. */
export function textOfMember(bytes: Buffer, { text, start, end }: Member): string {
  return text ?? bytes.toString('utf8', start, end);
}
