import { expect, test } from 'vitest';
import { nearWords } from './near-words.ts';
import { wordsOf } from './words.ts';

test.each([
  ['createPullRequests', 'create a pull-request'],
  ['list_repositories', 'Listing every repository'.replace('every ', '')],
  ['getHTTPResponse', 'get http responses'],
  ['delete-branches', 'deleted branch'],
  ['stopped', 'stop'],
  ['queries', 'query'],
])('%s has the same words as %s', (a, b) => {
  expect(wordsOf(a)).toEqual(wordsOf(b));
});

test('words that say nothing, and endings that are none, are left', () => {
  expect(wordsOf('I want to use the tool for my files')).toEqual(['file']);
  expect(wordsOf('status bus class s3 ec2')).toEqual(['status', 'bus', 'class', 's3', 'ec2']);
  expect(wordsOf('')).toEqual([]);
  expect(wordsOf('Größe ändern 検索')).toEqual(['größ', 'ändern', '検索']);
});

test('the work that a text makes is bounded', () => {
  expect(wordsOf('ab '.repeat(100_000)).length).toBeLessThan(2_000);
  expect(wordsOf('x'.repeat(100_000))[0]?.length).toBeLessThan(50);
});

test('a word may be meant by its beginning, by another word for it, and by one that is misspelt', () => {
  const vocabulary = ['delet', 'issu', 'kubernet', 'repository'].toSorted();
  expect([...nearWords('kube', vocabulary).keys()]).toContain('kubernet');
  expect([...nearWords('remov', vocabulary).keys()]).toContain('delet');
  expect([...nearWords('kubrenet', vocabulary).keys()]).toContain('kubernet');
  expect([...nearWords('rpository', vocabulary).keys()]).toContain('repository');
  expect([...nearWords('zzzzzz', vocabulary).keys()]).toEqual(['zzzzzz']);
});
