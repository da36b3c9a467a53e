import { expect } from 'vitest';
import { codeIn, decide, echo, noticeIn } from '../../kit/approvals.ts';
import { runCode } from '../../kit/code.ts';
import { httpClient } from '../../kit/gateway.ts';
import { lastLog } from '../../kit/logs.ts';
import { callText, listedTools } from '../../kit/scene.ts';
import { waitFor } from '../../kit/wait.ts';
import type { FieldRow } from './field.ts';

/** The view of the tools: which may be called, which run by themselves, which wait, what they cost. */
export const TOOL_ROWS: readonly FieldRow[] = [
  {
    fields: ['tools_to_execute'],
    says: 'a tool that is switched off is gone from /mcp and refused',
    tab: 'tools',
    begin({ gateway, upstream }) {
      const left = ['add', 'fail', 'greet', 'rich', 'slow', 'whoami'];
      return {
        client: httpClient(upstream.url),
        edit: (page) => page.getByRole('switch', { name: 'echo may be called' }).click(),
        sends: { tools_to_execute: expect.toSatisfy((names: string[]) => names.toSorted().join() === left.join()) },
        async works() {
          expect(await listedTools(gateway)).toEqual(left.map((name) => `c1-${name}`));
          expect((await gateway.execute('c1-echo', { text: 'x' })).status).toBe(400);
        },
      };
    },
  },
  {
    fields: ['tools_to_auto_execute'],
    says: 'code mode runs a tool by itself once it may',
    tab: 'tools',
    begin({ gateway, upstream }) {
      const run = async () => (await runCode(gateway, `return await c1.echo({ text: 'ran' })`)).text;
      return {
        async client() {
          await gateway.createClient(httpClient(upstream.url, { client_id: 'c1', is_code_mode_client: true }));
          expect(await run()).toMatch(/needs approval/);
        },
        edit: (page) => page.getByRole('switch', { name: 'echo runs without approval' }).click(),
        sends: { tools_to_auto_execute: ['echo'] },
        works: async () => expect(await run()).toContain('"ran"'),
      };
    },
  },
  {
    fields: ['tools_to_approve'],
    says: 'a call of a guarded tool waits for a person',
    tab: 'tools',
    begin: ({ gateway, upstream }) => ({
      client: httpClient(upstream.url),
      edit: (page) => page.getByRole('switch', { name: 'echo waits for approval' }).click(),
      sends: { tools_to_approve: ['echo'] },
      works: async () => expect(codeIn(await echo(gateway, 'guarded'))).toBe('approval_required'),
    }),
  },
  {
    fields: ['approval_by'],
    says: 'who made a call may approve it',
    tab: 'tools',
    begin: ({ gateway, upstream }) => ({
      client: httpClient(upstream.url, { tools_to_approve: ['echo'] }),
      edit: (page) => page.getByLabel('Who approves').selectOption({ label: 'Also the user of the calling client' }),
      sends: { approval_by: 'caller' },
      async works() {
        const notice = noticeIn(await echo(gateway, 'mine'));
        expect((await decide(gateway, notice, 'approve')).status).toBe(200);
      },
    }),
  },
  {
    fields: ['tool_pricing'],
    says: 'a price is in the log of the next call',
    tab: 'tools',
    begin: ({ gateway, upstream }) => ({
      client: httpClient(upstream.url, { tool_pricing: { add: 1 } }),
      async edit(page) {
        await page.getByRole('row', { name: /^echo / }).click();
        await page.getByLabel('Price per successful call in USD').fill('{"base": 0.25, "per_argument_kb": 0.5}');
        await page.keyboard.press('Escape');
      },
      sends: { tool_pricing: { add: 1, echo: { base: 0.25, per_argument_kb: 0.5 } } },
      async works() {
        await callText(gateway, 'c1-echo', { text: 'x'.repeat(1024 - '{"text":""}'.length) });
        await waitFor(async () => (await lastLog(gateway)).cost === 0.75, 'the price in the log');
      },
    }),
  },
];
