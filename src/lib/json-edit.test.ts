import fc from 'fast-check';
import { expect, test } from 'vitest';
import { appendToMember, editObject, writeList } from './json-edit.ts';
import { membersOf, type Members } from './json-members.ts';

const edit = (text: string, changes: Record<string, string | undefined>) =>
  editObject(Buffer.from(text), changes).toString();

test('a member is replaced and every other byte stays', () => {
  expect(edit('{ "a" : 1.50,\n "model":"openai/x", "b":[1, 2] }', { model: '"x"' })).toBe(
    '{ "a" : 1.50,\n "model":"x", "b":[1, 2] }',
  );
});

test('members are added at the end', () => {
  expect(edit('{"a":1}', { b: '2', c: '[]' })).toBe('{"a":1,"b":2,"c":[]}');
  expect(edit('{}', { b: '2' })).toBe('{"b":2}');
});

test('of a member that is there twice both are replaced', () => {
  expect(edit('{"m":1,"a":2,"m":3}', { m: '9' })).toBe('{"m":9,"a":2,"m":9}');
});

test('a member may be called what every object has', () => {
  expect(edit('{"constructor":1,"toString":2}', { m: '3' })).toBe('{"constructor":1,"toString":2,"m":3}');
});

test('a key or comma inside of strings is not taken for one', () => {
  expect(edit(String.raw`{"a":"\",\"m\":1","m":"x,y"}`, { m: undefined })).toBe(String.raw`{"a":"\",\"m\":1"}`);
});

test('elements go to the end of an array, which is made where there is none', () => {
  const append = (text: string) => appendToMember(Buffer.from(text), 'tools', writeList(['{"n":1}', '2'])).toString();
  expect(append('{"tools":[ ],"z":1}')).toBe('{"tools":[ {"n":1},2],"z":1}');
  expect(append('{"tools":[{"t":[]}]}')).toBe('{"tools":[{"t":[]},{"n":1},2]}');
  expect(append('{"a":1}')).toBe('{"a":1,"tools":[{"n":1},2]}');
  expect(append('{"tools":null}')).toBe('{"tools":[{"n":1},2]}');
});

test('whatever the object and the changes, the result is what they say', () => {
  const key = fc.constantFrom('a', 'b', 'c', 'd');
  fc.assert(
    fc.property(
      fc.dictionary(key, fc.jsonValue({ maxDepth: 2 })),
      fc.dictionary(key, fc.option(fc.jsonValue({ maxDepth: 2 }), { nil: undefined })),
      fc.constantFrom(0, 1, 3),
      (object, changes, indent) => {
        const bytes = Buffer.from(JSON.stringify(object, undefined, indent));
        const texts = Object.fromEntries(
          Object.entries(changes).map(([name, value]) => [
            name,
            value === undefined ? undefined : JSON.stringify(value),
          ]),
        );
        const wanted = Object.fromEntries(
          Object.entries({ ...object, ...changes }).filter(([, value]) => value !== undefined),
        );
        expect(JSON.parse(editObject(bytes, texts).toString())).toEqual(JSON.parse(JSON.stringify(wanted)));
      },
    ),
  );
});

test('what was appended to can be edited and appended to again, wherever the array stands', () => {
  const key = fc.constantFrom('a', 'tools', 'z');
  const elements = fc.array(fc.jsonValue({ maxDepth: 2 }), { maxLength: 3 });
  fc.assert(
    fc.property(
      fc.dictionary(key, elements),
      fc.array(elements, { maxLength: 3 }),
      fc.boolean(),
      (object, rounds, pretty) => {
        let bytes: Buffer = Buffer.from(JSON.stringify(object, undefined, pretty ? 1 : 0));
        for (const round of rounds)
          bytes = appendToMember(bytes, 'tools', writeList(round.map((element) => JSON.stringify(element))));
        const tools = [...(object['tools'] ?? []), ...rounds.flat()];
        const wanted = 'tools' in object || tools.length > 0 ? { ...object, tools } : object;
        expect(JSON.parse(bytes.toString())).toEqual(JSON.parse(JSON.stringify(wanted)));
        // What is known of the members of the new bytes is what a scan of a copy finds.
        const strip = ({ list, close }: Members) => ({ list: list.map((member) => ({ ...member, text: '' })), close });
        expect(strip(membersOf(bytes))).toEqual(strip(membersOf(Buffer.from(bytes))));
        expect(JSON.parse(editObject(bytes, { z: '0' }).toString())).toEqual(
          JSON.parse(JSON.stringify({ ...wanted, z: 0 })),
        );
      },
    ),
  );
});
