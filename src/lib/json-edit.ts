import { scanArray, scanObject } from './json-scan.ts';

/** A member's new value as JSON text; undefined takes the member away. */
export type MemberChanges = Readonly<Record<string, string | undefined>>;

interface Range {
  readonly start: number;
  readonly end: number;
}

/**
 * Changes members of a JSON object in its bytes: replaces, adds, takes away. Every other byte stays as it was. Of a member that
 * is there twice both are changed, so that no reader sees an old one.
 */
export function editObject(bytes: Buffer, changes: MemberChanges): Buffer {
  const pieces: (Buffer | string)[] = [];
  const found = new Set<string>();
  let kept = 0;
  let members = 0;
  const close = scanMembers(bytes, (key, range, member) => {
    if (!(key in changes)) return void (members += 1);
    const text = changes[key];
    found.add(key);
    if (text === undefined) {
      // The comma goes with the member: the one before it, or for the first of all the one behind it.
      const isFirst = members === 0;
      const from = isFirst ? member.start : commaBefore(bytes, member.start);
      pieces.push(bytes.subarray(kept, Math.max(kept, from)));
      kept = isFirst ? commaBehind(bytes, range.end) : range.end;
    } else {
      members += 1;
      pieces.push(bytes.subarray(kept, range.start), text);
      kept = range.end;
    }
  });
  const added = Object.entries(changes).filter(([key, text]) => text !== undefined && !found.has(key));
  pieces.push(bytes.subarray(kept, close - 1));
  for (const [key, text] of added) {
    pieces.push(`${members === 0 ? '' : ','}${JSON.stringify(key)}:${text}`);
    members += 1;
  }
  pieces.push(bytes.subarray(close - 1));
  return Buffer.concat(pieces.map((piece) => (typeof piece === 'string' ? Buffer.from(piece) : piece)));
}

/** Adds elements, as JSON texts, to the end of an array that is a member of a JSON object; makes the array if it is not there. */
export function appendToMember(bytes: Buffer, name: string, elements: readonly string[]): Buffer {
  if (elements.length === 0) return bytes;
  let array: Range | undefined;
  scanMembers(bytes, (key, range) => {
    if (key === name) array = range;
  });
  const added = elements.join(',');
  if (array === undefined || bytes[array.start] !== 0x5b) return editObject(bytes, { [name]: `[${added}]` });
  let count = 0;
  const end = scanArray(bytes, () => (count += 1), array.start);
  const comma = count === 0 ? '' : ',';
  return Buffer.concat([bytes.subarray(0, end - 1), Buffer.from(comma + added), bytes.subarray(end - 1)]);
}

type OnMember = (key: string, value: Range, member: Range) => void;

/** Calls back with the range of each value, and with that of the whole member. Gives the position behind the object. */
function scanMembers(bytes: Buffer, onMember: OnMember): number {
  let behind = bytes.indexOf(0x7b) + 1;
  return scanObject(bytes, (key, start, end) => {
    const from = bytes.indexOf(0x22, behind);
    behind = end;
    onMember(key, { start, end }, { start: from, end });
  });
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
