import { expect } from 'vitest';
import { httpClient, messageIn } from '../../kit/gateway.ts';
import { callText, listedTools } from '../../kit/scene.ts';
import { everythingServer, stdioServer } from '../../kit/stdio.ts';
import { startSseUpstream, startUpstream } from '../../kit/upstream.ts';
import { waitFor } from '../../kit/wait.ts';
import type { FieldRow } from './field.ts';

/** The view of how a server is reached, without its TLS. */
export const CONNECTION_ROWS: readonly FieldRow[] = [
  {
    fields: ['name'],
    says: 'the tools carry the new name',
    tab: 'connection',
    begin: ({ gateway, upstream }) => ({
      client: httpClient(upstream.url),
      edit: (page) => page.getByLabel('Name', { exact: true }).fill('renamed'),
      sends: { name: 'renamed' },
      async works() {
        expect(await callText(gateway, 'renamed-echo', { text: 'hi' })).toBe('hi');
        expect((await gateway.execute('c1-echo', { text: 'hi' })).status).toBe(400);
      },
    }),
  },
  {
    fields: ['disabled'],
    says: 'a server that is switched off is gone from /mcp',
    tab: 'connection',
    begin: ({ gateway, upstream }) => ({
      client: httpClient(upstream.url),
      edit: (page) => page.getByRole('switch', { name: 'Enabled' }).click(),
      sends: { disabled: true },
      shows: { state: 'disabled', config: { disabled: true } },
      works: async () => expect(await listedTools(gateway)).toEqual([]),
    }),
  },
  {
    fields: ['is_code_mode_client'],
    says: 'four tools of code mode stand in the place of its own',
    tab: 'connection',
    begin: ({ gateway, upstream }) => ({
      client: httpClient(upstream.url),
      edit: (page) => page.getByRole('switch', { name: 'Code mode' }).click(),
      sends: { is_code_mode_client: true },
      works: async () =>
        expect(await listedTools(gateway)).toEqual(['executeToolCode', 'getToolDocs', 'listToolFiles', 'readToolFile']),
    }),
  },
  {
    fields: ['connection_string'],
    says: 'calls go to the other address',
    tab: 'connection',
    async begin({ gateway, upstream, cleanup }) {
      const other = cleanup.use(await startUpstream());
      return {
        client: httpClient(upstream.url),
        edit: (page) => page.getByLabel('URL', { exact: true }).fill(other.url),
        sends: { connection_string: other.url },
        shows: { state: 'connected', config: { connection_string: { value: expect.stringContaining('*') as string } } },
        async works() {
          await callText(gateway, 'c1-echo', { text: 'there' });
          expect(other.countCalls('echo')).toBe(1);
        },
      };
    },
  },
  {
    fields: ['connection_type', 'connection_string'],
    says: 'a server moves to the older transport',
    tab: 'connection',
    async begin({ gateway, upstream, cleanup }) {
      const other = cleanup.use(await startSseUpstream());
      return {
        client: httpClient(upstream.url),
        async edit(page) {
          await page.getByLabel('Type', { exact: true }).selectOption('sse');
          await page.getByLabel('URL', { exact: true }).fill(other.url);
        },
        sends: { connection_type: 'sse', connection_string: other.url },
        shows: { state: 'connected', config: { connection_type: 'sse' } },
        async works() {
          await callText(gateway, 'c1-echo', { text: 'there' });
          expect(other.countCalls('echo')).toBe(1);
        },
      };
    },
  },
  {
    fields: ['connection_type', 'connection_string'],
    says: 'a server moves into the process',
    tab: 'connection',
    begin: ({ gateway, upstream }) => ({
      client: httpClient(upstream.url),
      async edit(page) {
        await page.getByLabel('Type', { exact: true }).selectOption('inprocess');
        await page.getByLabel('Registered name').fill('local');
      },
      sends: { connection_type: 'inprocess', connection_string: 'local' },
      shows: { state: 'connected', config: { connection_type: 'inprocess' } },
      async works() {
        const before = upstream.countCalls();
        expect(await callText(gateway, 'c1-echo', { text: 'inside' })).toBe('inside');
        expect(upstream.countCalls()).toBe(before);
      },
    }),
  },
  {
    fields: ['connection_type', 'stdio_config.command', 'stdio_config.args', 'stdio_config.envs'],
    says: 'a server becomes a program, with the variables that are named',
    tab: 'connection',
    begin({ gateway, upstream }) {
      const { command, args } = everythingServer();
      const stdio_config = { command, args, envs: ['GIVEN=by the form'] };
      return {
        client: httpClient(upstream.url),
        async edit(page) {
          await page.getByLabel('Type', { exact: true }).selectOption('stdio');
          await page.getByLabel('Command', { exact: true }).fill(command);
          await page.getByLabel('Arguments', { exact: true }).fill(args.join('\n'));
          await page.getByLabel('Environment', { exact: true }).fill('GIVEN=by the form');
        },
        sends: { connection_type: 'stdio', stdio_config },
        shows: { state: 'connected', config: { connection_type: 'stdio', stdio_config: { command, args } } },
        works: async () => expect(await callText(gateway, 'c1-get-env')).toContain('"GIVEN": "by the form"'),
      };
    },
  },
  {
    fields: ['stdio_config.args'],
    says: 'the program is started with other arguments',
    tab: 'connection',
    begin({ gateway }) {
      const { command, args } = stdioServer();
      const changed = ['--no-warnings', ...args];
      const stdio_config = { command, args: changed, envs: [] };
      return {
        client: { name: 'c1', connection_type: 'stdio', stdio_config: { command, args }, tools_to_execute: ['*'] },
        edit: (page) => page.getByLabel('Arguments', { exact: true }).fill(changed.join('\n')),
        sends: { stdio_config },
        works: async () => expect(await callText(gateway, 'c1-echo', { text: 'program' })).toBe('program'),
      };
    },
  },
  {
    fields: ['tool_execution_timeout'],
    says: 'a call is cut off after so many seconds',
    tab: 'connection',
    begin: ({ gateway, upstream }) => ({
      client: httpClient(upstream.url),
      edit: (page) => page.getByLabel('Time limit of a call, in seconds').fill('1'),
      sends: { tool_execution_timeout: 1 },
      shows: { config: { tool_execution_timeout: 1e9 } },
      works: async () =>
        expect(messageIn(await gateway.execute('c1-slow', { ms: 60_000 }))).toContain('timed out after 1s'),
    }),
  },
  {
    fields: ['tool_sync_interval'],
    says: 'a tool of which nobody was told appears after so many minutes',
    tab: 'connection',
    async begin({ gateway, cleanup }) {
      const upstream = cleanup.use(await startUpstream());
      return {
        client: httpClient(upstream.url, { tool_sync_interval: -1 }),
        edit: (page) => page.getByLabel('Minutes between tool listings').fill('2'),
        sends: { tool_sync_interval: 2 },
        shows: { config: { tool_sync_interval: 120e9 } },
        async works() {
          upstream.host.servers.clear(); // Nobody is told of the new tool.
          await upstream.addTool('later');
          await waitFor(async () => (await listedTools(gateway)).includes('c1-later'), 'the new tool');
        },
      };
    },
  },
  {
    fields: ['protocol_era'],
    says: 'a server is spoken to in the older revisions without asking',
    tab: 'connection',
    async begin({ gateway, cleanup }) {
      const upstream = cleanup.use(await startUpstream());
      const asked = (): number => upstream.requests.filter(({ rpcMethod }) => rpcMethod === 'server/discover').length;
      return {
        client: httpClient(upstream.url),
        edit: (page) => page.getByLabel('MCP revision').selectOption('legacy'),
        sends: { protocol_era: 'legacy' },
        async works() {
          const before = asked();
          await gateway.api('POST', '/api/mcp/client/c1/reconnect');
          expect(await callText(gateway, 'c1-echo', { text: 'hi' })).toBe('hi');
          expect([before > 0, asked()]).toEqual([true, before]);
        },
      };
    },
  },
  {
    fields: ['is_ping_available'],
    says: 'a server that knows no ping is probed by listing',
    tab: 'connection',
    async begin({ cleanup }) {
      const { url, host } = cleanup.use(await startUpstream());
      return {
        client: httpClient(url),
        edit: (page) => page.getByRole('switch', { name: 'Probe with ping' }).click(),
        sends: { is_ping_available: false },
        async works() {
          const lists = host.lists;
          await waitFor(() => host.lists >= lists + 2, 'two listings');
          const pings = host.pings;
          await waitFor(() => host.lists >= lists + 5, 'three more listings');
          expect(host.pings).toBe(pings);
        },
      };
    },
  },
];
