import { execFileSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { curlOf } from '../dashboard/src/curl.ts';

test('a shell reads the command as it was meant, whatever is in the arguments', () => {
  const body = { text: `it's "$HOME" \`id\` \\ $(id)\nü` };
  const command = curlOf('http://gateway/mcp', { headers: { 'mcp-name': "a'b" }, body });
  const script = `curl() { for word in "$@"; do printf '%s\\0' "$word"; done; }\n${command}`;
  const output = execFileSync('sh', ['-c', script], { env: { ASBRU_KEY: 'the key' }, encoding: 'utf8' });
  expect(output.split('\0')).toEqual([
    ...['-N', 'http://gateway/mcp', '-H', 'authorization: Bearer the key', '-H', "mcp-name: a'b"],
    ...['--data-raw', JSON.stringify(body), ''],
  ]);
});
