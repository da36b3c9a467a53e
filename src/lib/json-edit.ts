import { membersOf, noteMembers, type Member, type Members } from './json-members.ts';
import { scanArray } from './json-scan.ts';

/** A member's new value as JSON text; undefined takes the member away. */
export type MemberChanges = Readonly<Record<string, string | undefined>>;

/** A list as JSON, ready to be put into many objects. */
export interface JsonList {
  readonly text: string;
  readonly bytes: Buffer;
}

/** A list of elements that are JSON texts. */
export function writeList(elements: readonly string[]): JsonList {
  const text = `[${elements.join(',')}]`;
  return { text, bytes: Buffer.from(text) };
}

/**
 * Changes members of a JSON object in its bytes: replaces, adds, takes away. Every other byte stays as it was. Of a member that
 * is there twice both are changed, so that no reader sees an old one.
 */
export function editObject(bytes: Buffer, changes: MemberChanges): Buffer {
  const edits: Edit[] = [];
  const found: string[] = [];
  let kept = 0;
  let members = 0;
  const { list, close } = membersOf(bytes);
  for (const { key, from: begin, start, end } of list) {
    const text = changes[key];
    if (!Object.hasOwn(changes, key)) members += 1;
    else if (text === undefined) {
      // The comma goes with the member: the one before it, or for the first of all the one behind it.
      const isFirst = members === 0;
      const from = isFirst ? begin : commaBefore(bytes, begin);
      const until = isFirst ? commaBehind(bytes, end) : end;
      edits.push({ from: Math.max(kept, from), until, text: '' });
      kept = until;
    } else {
      found.push(key);
      members += 1;
      edits.push({ from: start, until: end, text });
      kept = end;
    }
  }
  for (const key of Object.keys(changes)) {
    const text = changes[key];
    if (text === undefined || found.includes(key)) continue;
    edits.push({
      from: close - 1,
      until: close - 1,
      text: `${members === 0 ? '' : ','}${JSON.stringify(key)}:${text}`,
    });
    members += 1;
  }
  return replaced(bytes, edits);
}

/** A text in the place of some bytes. */
interface Edit {
  readonly from: number;
  readonly until: number;
  readonly text: string;
}

/** The bytes with all that is replaced, which is in its order and does not overlap. */
function replaced(bytes: Buffer, edits: readonly Edit[]): Buffer {
  let { length } = bytes;
  for (const { from, until, text } of edits) length += Buffer.byteLength(text) - (until - from);
  const whole = Buffer.allocUnsafe(length);
  let at = 0;
  let kept = 0;
  for (const { from, until, text } of edits) {
    at += bytes.copy(whole, at, kept, from);
    if (text !== '') at += whole.write(text, at);
    kept = until;
  }
  bytes.copy(whole, at, kept);
  return whole;
}

/** Adds elements to the end of an array that is a member of a JSON object; makes the array if it is not there. */
export function appendToMember(bytes: Buffer, name: string, added: JsonList): Buffer {
  if (added.bytes.length === NO_ELEMENTS) return bytes;
  const members = membersOf(bytes);
  const array = members.list.findLast(({ key }) => key === name);
  if (array === undefined) return withMember(bytes, members, name, added);
  if (bytes[array.start] !== 0x5b) return editObject(bytes, { [name]: added.text });
  let count = 0;
  const close = scanArray(bytes, () => (count += 1), array.start) - 1;
  const comma = Buffer.from(count === 0 ? '' : ',');
  const inner = added.bytes.subarray(1, -1);
  const grown = Buffer.concat([bytes.subarray(0, close), comma, inner, bytes.subarray(close)]);
  noteMembers(grown, shifted(members, array, comma.length + inner.length));
  return grown;
}

const NO_ELEMENTS = '[]'.length;

/** The object with one more member at its end. */
function withMember(bytes: Buffer, { list, close }: Members, name: string, value: JsonList): Buffer {
  const key = Buffer.from(`${list.length === 0 ? '' : ','}${JSON.stringify(name)}:`);
  const from = close - 1 + (list.length === 0 ? 0 : 1);
  const start = close - 1 + key.length;
  const end = start + value.bytes.length;
  const whole = Buffer.concat([bytes.subarray(0, close - 1), key, value.bytes, bytes.subarray(close - 1)]);
  noteMembers(whole, { list: [...list, { key: name, from, start, end, text: value.text }], close: end + 1 });
  return whole;
}

/** The members after one of them, the `grown`, has got so many bytes more. */
function shifted({ list, close }: Members, grown: Member, by: number): Members {
  const moved = list.map((member) => {
    if (member === grown) return { ...member, end: member.end + by, text: undefined };
    const { from, start, end } = member;
    return from < grown.from ? member : { ...member, from: from + by, start: start + by, end: end + by };
  });
  return { list: moved, close: close + by };
}

function commaBefore(bytes: Buffer, from: number): number {
  return bytes.lastIndexOf(0x2c, from - 1);
}

/** Behind the comma, or where there is none: at the end of the object. */
function commaBehind(bytes: Buffer, from: number): number {
  for (let at = from; at < bytes.length; at += 1) {
    if (bytes[at] === 0x2c) return at + 1;
    if (bytes[at] === 0x7d) return at;
  }
  return bytes.length;
}
