import { expect, test } from 'vitest';
import { createLogSearch, logPageOf, MCP_LOG_FIELDS } from './search.ts';

const read = createLogSearch(MCP_LOG_FIELDS);

test('what is unknown or empty in a URL is left out, and digits stay text', () => {
  expect(read({ q: 42, tool: 'echo', server: '', status: ['error'], x: 'y' })).toEqual({ q: '42', tool: 'echo' });
});

test('a page is asked for in the order that the URL says, the newest first without one', () => {
  expect(logPageOf({}).asked).toEqual({ limit: 200, offset: 0, sort_by: 'timestamp', order: 'desc' });
  expect(logPageOf({ page: '2', sort: 'cost' }).asked).toEqual({
    limit: 200,
    offset: 400,
    sort_by: 'cost',
    order: 'asc',
  });
  expect(logPageOf({ page: 'x' }).number).toBe(0);
});
