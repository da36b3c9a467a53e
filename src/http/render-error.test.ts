import { expect, test } from 'vitest';
import { GatewayError } from '../lib/errors.ts';
import { createLogger } from '../lib/logger.ts';
import { renderError, renderRpcError } from './render-error.ts';

function captureLog() {
  const lines: string[] = [];
  const logger = createLogger({ level: 'info', style: 'json', stream: { write: (line) => void lines.push(line) } });
  return { lines, logger };
}

test('a refusal shows its code, message and details', () => {
  const { lines, logger } = captureLog();
  const error = new GatewayError('conflict', 'the name is taken', { details: { field: 'name' } });
  expect(renderError(error, logger)).toMatchObject({
    status: 409,
    body: {
      is_bifrost_error: false,
      status_code: 409,
      type: 'conflict',
      error: { message: 'the name is taken', code: 'conflict' },
      extra_fields: { field: 'name' },
    },
  });
  expect(renderRpcError(7, error, logger)).toEqual({
    jsonrpc: '2.0',
    id: 7,
    error: { code: -32603, message: 'the name is taken', data: { code: 'conflict', field: 'name' } },
  });
  expect(lines).toEqual([]);
});

test('a bug shows nothing but an id, under which the log has the stack', () => {
  const { lines, logger } = captureLog();
  const answer = renderError(new Error('secret path /etc/x'), logger);
  expect(answer.status).toBe(500);
  expect(answer.body.error.message).toBe('internal error');
  expect(JSON.stringify(answer)).not.toContain('secret path');
  const line = JSON.parse(lines[0] ?? '{}') as { event_id: string; err: { stack: string } };
  expect(line.event_id).toBe(answer.body.event_id);
  expect(line.err.stack).toContain('secret path');
});

test('a failing database is logged with its cause, which the caller does not see', () => {
  const { lines, logger } = captureLog();
  const answer = renderError(
    new GatewayError('database_unavailable', 'no answer', { cause: new Error('host db7') }),
    logger,
  );
  expect(answer.headers['retry-after']).toBe('1');
  expect(JSON.stringify(answer)).not.toContain('db7');
  expect(lines.join('')).toContain('db7');
});

test('401 names the scheme that would do', () => {
  const { logger } = captureLog();
  expect(renderError(new GatewayError('unauthorized', 'no'), logger).headers['www-authenticate']).toContain('Bearer');
});
