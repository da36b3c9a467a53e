import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { McpClientCreate } from '../../src/contract/mcp-client.ts';
import { cleanName, findServers } from './import-config.ts';

/** The only server in a text. */
function only(text: string) {
  const found = findServers(text);
  if ('fault' in found) throw new Error(found.fault);
  expect(found.servers).toHaveLength(1);
  const [server] = found.servers;
  if (server === undefined) throw new Error('none');
  return server;
}

describe('what can be pasted', () => {
  test('a URL becomes an http server named after its host', () => {
    expect(only('https://mcp.linear.app/mcp').body).toEqual({
      name: 'linear',
      connection_type: 'http',
      connection_string: 'https://mcp.linear.app/mcp',
      tools_to_execute: ['*'],
    });
    expect(only('https://mcp.example.com/sse').body).toMatchObject({ name: 'example', connection_type: 'sse' });
    expect(only('http://127.0.0.1:9000/mcp').body.name).toBe('server');
  });

  test('a command becomes a stdio server, with the variables before it', () => {
    expect(only(`TOKEN=abc npx -y @modelcontextprotocol/server-memory --path "/a b"`).body).toEqual({
      name: 'memory',
      connection_type: 'stdio',
      stdio_config: {
        command: 'npx',
        args: ['-y', '@modelcontextprotocol/server-memory', '--path', '/a b'],
        envs: ['TOKEN=abc'],
      },
      tools_to_execute: ['*'],
    });
  });

  test('a line for Claude Code is understood, remote or local', () => {
    const remote = only(
      'claude mcp add --transport http tracker https://x.example/mcp --header "Authorization: Bearer t"',
    );
    expect(remote.body).toMatchObject({
      name: 'tracker',
      connection_type: 'http',
      connection_string: 'https://x.example/mcp',
      headers: { Authorization: 'Bearer t' },
    });
    expect(only('claude mcp add -e A=b notes -- npx -y notes-mcp --flag').body).toMatchObject({
      name: 'notes',
      stdio_config: { command: 'npx', args: ['-y', 'notes-mcp', '--flag'], envs: ['A=b'] },
    });
  });

  test.each([
    ['Claude and Cursor', '{"mcpServers": {"my-notes": {"command": "notes", "env": {"KEY": "${env:NOTES_KEY}"}}}}'],
    [
      'VS Code',
      '{"servers": {"my-notes": {"type": "stdio", "command": "notes", "env": {"KEY": "${env:NOTES_KEY}"},},}}',
    ],
    [
      'settings of VS Code',
      '{"mcp": {"servers": {"my-notes": {"command": "notes", "env": {"KEY": "${NOTES_KEY}"}}}}} // mine',
    ],
    ['an entry alone', '"my-notes": {"command": "notes", "env": {"KEY": "${NOTES_KEY}"}},'],
  ])('JSON of %s', (_, text) => {
    const { body, notes } = only(text);
    expect(body).toMatchObject({ name: 'my_notes', stdio_config: { command: 'notes', envs: ['KEY=env.NOTES_KEY'] } });
    expect(notes.join(' ')).toContain('NOTES_KEY is read from the environment of the gateway');
  });

  test('an input that the program would ask for is pointed out', () => {
    const { notes } = only(
      '{"servers": {"a": {"url": "https://a.example/mcp", "headers": {"K": "Bearer ${input:token}"}}}}',
    );
    expect(notes.join(' ')).toContain('${input:token}');
  });

  test('what holds no server says so', () => {
    for (const text of ['', '{}', '{"mcpServers": {}}', '{"a": 1', 'A=b']) {
      expect(findServers(text), text).toHaveProperty('fault');
    }
  });
});

test('whatever the name was, the gateway takes what becomes of it', () => {
  fc.assert(
    fc.property(fc.string({ maxLength: 200 }), (name) => {
      const body = { name: cleanName(name), connection_type: 'http' };
      expect(McpClientCreate.safeParse(body).error?.message).toBeUndefined();
    }),
  );
});
