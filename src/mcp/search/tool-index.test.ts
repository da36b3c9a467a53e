import { expect, test } from 'vitest';
import { corpusServers } from '../../../test/kit/tool-corpus.ts';
import type { ToolEntry } from '../view.ts';
import { compileIndex } from './tool-index.ts';

/** The part of a tool that an index reads. */
function tool(server: string, own: string, definition: object): ToolEntry {
  const listed = { name: own, json: JSON.stringify({ name: own, ...definition }) };
  const read = { upstream: { client: { name: server } }, listed };
  return read as unknown as ToolEntry;
}

const corpus = compileIndex(
  new Map(
    corpusServers().flatMap(({ name, tools }) =>
      tools.map((one) => [`${name}-${one.name}`, tool(name, one.name, one)]),
    ),
  ),
);

test.each([
  ['create a github issue', 'github-create_issue'],
  ['open a bug in github', 'github-create_issue'],
  ['list my pull requests', 'github-list_pull_request'],
  ['merge request gitlab update', 'gitlab-update_merge_request'],
  ['find a jira ticket by words', 'jira-search_ticket'],
  ['new slack message', 'slack-create_message'],
  ['read an email in gmail', 'gmail-get_email'],
  ['free rooms in outlook: list meeting rooms', 'outlook-list_meeting_room'],
  ['delete a calendar event', 'calendar-delete_event'],
  ['share a google drive folder', 'drive-share_folder'],
  ['add a row to a spreadsheet', 'sheets-create_row'],
  ['notion create page', 'notion-create_page'],
  ['postgres list tables', 'postgres-list_table'],
  ['search mongo documents', 'mongodb-search_document'],
  ['redis get key', 'redis-get_key'],
  ['presigned url for s3', 'S3'],
  ['remove an ec2 security group', 'ec2-delete_security_group'],
  ['list kubernetes pods', 'kubernetes-list_pod'],
  ['kube deployment update', 'kubernetes-update_deployment'],
  ['docker containers list', 'docker-list_container'],
  ['who is on call schedule pagerduty', 'pagerduty-get_on_call_schedule'],
  ['stripe refund create', 'stripe-create_refund'],
  ['export an invoice from stripe as pdf', 'stripe-export_invoice'],
  ['update opportunity salesforce', 'salesforce-update_opportunity'],
  ['send sms via twilio: create sms message', 'twilio-create_sms_message'],
  ['archive trello card', 'trello-archive_card'],
  ['get weather forecast', 'weather-get_forecast'],
  ['air quality', 'weather-get_air_quality'],
  ['delete file on local disk', 'filesystem-delete_file'],
  ['githib create issue', 'github-create_issue'],
  ['github-watch_gist', 'github-watch_gist'],
])('among 5,000 tools "%s" finds %s', (query, wanted) => {
  const found = corpus.search(query, 3).map(({ name }) => name);
  if (wanted === 'S3')
    expect(found.every((name) => name.startsWith('s3-') && name.endsWith('presigned_url'))).toBe(true);
  else expect(found).toContain(wanted);
});

test('a name counts more than the server, that more than the description, and that more than the parameters', () => {
  const index = compileIndex(
    new Map([
      ['a', tool('one', 'x', { inputSchema: { properties: { rocket: { type: 'string' } } } })],
      ['b', tool('one', 'x', { description: 'Launches a rocket.' })],
      ['c', tool('rocket', 'x', {})],
      ['d', tool('one', 'rocket', {})],
    ]),
  );
  expect(index.search('rockets', 9).map(({ name }) => name)).toEqual(['d', 'c', 'b', 'a']);
});

test('what a word weighs that is everywhere is little, so that the rare one decides', () => {
  const others = Array.from({ length: 50 }, (_, at) => [`n${at}`, tool('s', `list_thing${at}`, {})] as const);
  const index = compileIndex(new Map([...others, ['wanted', tool('s', 'show_invoice', {})]]));
  expect(index.search('list invoice', 1)[0]?.name).toBe('wanted');
});

test('equal tools come in the order of their names, every time', () => {
  const index = compileIndex(new Map(['a', 'b', 'c', 'd'].map((name) => [name, tool('s', 'same', {})])));
  for (const limit of [2, 4]) {
    const names = index.search('same', limit).map(({ name }) => name);
    expect(names).toEqual(['a', 'b', 'c', 'd'].slice(0, limit));
  }
});

test('definitions and questions may be anything', () => {
  const odd = [
    { description: 7, inputSchema: 'none' },
    { description: null, inputSchema: { properties: { a: null, b: [], constructor: 1 } } },
    { title: {}, annotations: [], inputSchema: { properties: 'x' } },
  ];
  const index = compileIndex(new Map(odd.map((definition, at) => [`t${at}`, tool('s', 'constructor', definition)])));
  expect(index.search('constructor', 9)).toHaveLength(3);
  for (const query of ['', '   ', '.*', '__proto__', '\u0000', 'a'.repeat(100_000), '🚀'])
    expect(index.search(query, 9)).toEqual([]);
});
