import { expect } from 'vitest';
import { httpClient } from '../../kit/gateway.ts';
import { callText, listedTools } from '../../kit/scene.ts';
import type { FieldRow } from './field.ts';

/** The view of who may use a server. The key of these rows is granted nothing. */
export const ACCESS_ROWS: readonly FieldRow[] = [
  {
    fields: ['allow_on_all_virtual_keys'],
    says: 'a key without an entry of its own calls the tools',
    tab: 'access',
    begin: ({ upstream, key }) => ({
      client: httpClient(upstream.url),
      edit: (page) => page.getByRole('switch', { name: 'All virtual keys' }).click(),
      sends: { allow_on_all_virtual_keys: true },
      works: async () => expect(await callText(key, 'c1-echo', { text: 'open' })).toBe('open'),
    }),
  },
  {
    fields: ['vk_configs.virtual_key_id', 'vk_configs.tools_to_execute'],
    says: 'a key sees the tools that it is given and no others',
    tab: 'access',
    begin: ({ upstream, key }) => ({
      client: httpClient(upstream.url),
      async edit(page) {
        await page.getByLabel('Give a key access').fill(key.name);
        await page.getByRole('option', { name: key.name }).click();
        await page.getByRole('switch', { name: 'All tools of c1' }).click();
        await page.getByRole('button', { name: 'None' }).click();
        await page.getByRole('checkbox', { name: /^echo / }).check();
      },
      sends: { vk_configs: [{ virtual_key_id: key.id, tools_to_execute: ['echo'] }] },
      shows: {
        vk_configs: [{ virtual_key_id: key.id, virtual_key_name: key.name, tools_to_execute: ['echo'] }],
      },
      works: async () => expect(await listedTools(key)).toEqual(['c1-echo']),
    }),
  },
  {
    fields: ['vk_configs'],
    says: 'a key that is taken its access sees nothing',
    tab: 'access',
    begin: ({ gateway, upstream, key }) => ({
      async client() {
        await gateway.createClient(httpClient(upstream.url, { client_id: 'c1' }));
        await gateway.update('c1', { vk_configs: [{ virtual_key_id: key.id, tools_to_execute: ['*'] }] });
        expect(await listedTools(key)).toContain('c1-echo');
      },
      edit: (page) => page.getByRole('button', { name: `Take ${key.name} its access` }).click(),
      sends: { vk_configs: [] },
      shows: { vk_configs: [] },
      works: async () => expect(await listedTools(key)).toEqual([]),
    }),
  },
];
