import { expect, test } from 'vitest';
import { createReplays, type Sink } from './replay.ts';

function collect(): Sink & { readonly texts: string[] } {
  const texts: string[] = [];
  return { texts, write: (text) => void texts.push(text), end: () => {} };
}

/** The id of the last event of what was written. */
const idIn = ({ texts }: { texts: string[] }): string => /^id: (.*)$/m.exec(texts.at(-1) ?? '')?.[1] ?? '';

test('when too much is kept, the oldest stream is forgotten, and goes on for whoever still reads it', () => {
  const replays = createReplays(1_000);
  const [first, second] = [replays.open('ada'), replays.open('ada')];
  const [old, young] = [collect(), collect()];
  first.attach(old);
  second.attach(young);
  first.prime();
  second.prime();
  const [oldId, youngId] = [idIn(old), idIn(young)];
  first.send(JSON.stringify('x'.repeat(600)));
  expect(replays.resume(oldId, 'ada', collect())).toBe(true);
  first.attach(old);
  second.send(JSON.stringify('y'.repeat(600)));
  expect(replays.resume(oldId, 'ada', collect())).toBe(false);
  const again = collect();
  expect(replays.resume(youngId, 'ada', again)).toBe(true);
  expect(again.texts.join('')).toContain('y'.repeat(600));
  first.send('"more"');
  expect(old.texts.at(-1)).toContain('"more"');
});

test('a result that is larger than all that may be kept still arrives', () => {
  const replays = createReplays(1_000);
  const stream = replays.open('ada');
  const sink = collect();
  stream.attach(sink);
  stream.send(JSON.stringify('x'.repeat(5_000)));
  expect(sink.texts.join('')).toContain('x'.repeat(5_000));
  expect(replays.resume(idIn(sink), 'ada', collect())).toBe(false);
});
