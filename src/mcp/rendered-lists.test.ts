import { expect, test } from 'vitest';
import { createRenderedLists } from './rendered-lists.ts';
import type { View } from './view.ts';

/** All that is read of a view. */
const viewWith = (stale: string[]) => ({ stale }) as unknown as View;

test('an answer is made once, and again when other servers are out of reach', () => {
  const lists = createRenderedLists();
  const stale: string[] = [];
  const view = viewWith(stale);
  let made = 0;
  const get = () =>
    lists.get(view, 'tools', 'modern', (gone) => Buffer.from(`${(made += 1)} ${gone.join()}`)).toString();
  expect([get(), get()]).toEqual(['1 ', '1 ']);
  stale.push('wiki');
  expect([get(), get()]).toEqual(['2 wiki', '2 wiki']);
});

test('all answers together take no more memory than they may', () => {
  const lists = createRenderedLists(10);
  const [first, second] = [viewWith([]), viewWith([])];
  let made = 0;
  const get = (view: View) => lists.get(view, 'tools', 'legacy', () => Buffer.alloc(6, (made += 1)));
  get(first);
  get(first);
  expect(made).toBe(1);
  get(second);
  get(first);
  expect(made).toBe(3);
});
