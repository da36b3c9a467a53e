import { expect } from 'vitest';
import { httpClient } from '../../kit/gateway.ts';
import { createKey } from '../../kit/keys.ts';
import { listSessions, personalClient, requiredIn, SAMPLE, submit } from '../../kit/personal.ts';
import { seenHeaders } from '../../kit/scene.ts';
import { startUpstream } from '../../kit/upstream.ts';
import { postModern } from '../../kit/wire.ts';
import type { FieldRow } from './field.ts';

const MASK = expect.stringContaining('*') as string;

/** How the gateway and its callers prove themselves to a server, without OAuth. */
export const CREDENTIAL_ROWS: readonly FieldRow[] = [
  {
    fields: ['auth_type', 'headers'],
    says: 'a header reaches the server and is shown to nobody',
    tab: 'credentials',
    begin: ({ gateway, upstream }) => ({
      client: httpClient(upstream.url),
      async edit(page) {
        await page.getByLabel('How the gateway signs in').selectOption('headers');
        await page.getByRole('button', { name: 'Add a header' }).click();
        await page.getByLabel('Name of header 1').fill('X-Team');
        await page.getByLabel('Value of header 1').fill('platform-secret');
      },
      sends: { auth_type: 'headers', headers: { 'X-Team': 'platform-secret' } },
      shows: { config: { auth_type: 'headers', headers: { 'X-Team': { value: MASK } } } },
      works: async () => expect(await seenHeaders(gateway)).toMatchObject({ 'x-team': 'platform-secret' }),
    }),
  },
  {
    fields: ['headers'],
    says: 'one header is changed, one removed, and the secret of another stays',
    tab: 'credentials',
    begin: ({ gateway, upstream }) => ({
      client: httpClient(upstream.url, {
        headers: { 'X-Kept': 'secret-that-stays', 'X-New': 'old', 'X-Gone': 'gone' },
      }),
      async edit(page) {
        await page.getByLabel('Value of header 2').fill('new');
        await page.getByRole('button', { name: 'Remove header 3' }).click();
      },
      sends: { headers: { 'X-Kept': MASK, 'X-New': 'new' } },
      shows: { config: { headers: { 'X-Kept': { value: MASK }, 'X-New': { value: MASK } } } },
      async works() {
        const seen = await seenHeaders(gateway);
        expect(seen).toMatchObject({ 'x-kept': 'secret-that-stays', 'x-new': 'new' });
        expect(seen).not.toHaveProperty('x-gone');
      },
    }),
  },
  {
    fields: ['allowed_extra_headers'],
    says: 'a header of the caller is passed on',
    tab: 'credentials',
    begin: ({ gateway, upstream }) => ({
      client: httpClient(upstream.url),
      edit: (page) => page.getByLabel('Headers of the caller that are passed on').fill('x-trace'),
      sends: { allowed_extra_headers: ['x-trace'] },
      async works() {
        const headers = { 'x-trace': 'abc', 'x-other': 'def' };
        const { text } = await postModern(gateway, 'tools/call', { name: 'c1-whoami', arguments: {} }, { headers });
        expect([text.includes('x-trace'), text.includes('x-other')]).toEqual([true, false]);
      },
    }),
  },
  {
    fields: ['auth_type', 'per_user_header_keys', 'user_headers'],
    says: 'each caller is asked for headers of their own, and the tools are listed with those of the admin',
    tab: 'credentials',
    async begin({ gateway, cleanup }) {
      const upstream = cleanup.use(await startUpstream());
      return {
        client: httpClient(upstream.url),
        async edit(page) {
          await page.getByLabel('How the gateway signs in').selectOption('per_user_headers');
          await page.getByLabel('Headers that each user supplies').fill('x-user-token');
          await page.getByLabel('Your x-user-token').fill('of-the-admin');
          upstream.admits = (headers) => headers['x-user-token'] === 'of-the-admin';
        },
        sends: {
          auth_type: 'per_user_headers',
          per_user_header_keys: ['x-user-token'],
          user_headers: { 'x-user-token': 'of-the-admin' },
        },
        shows: {
          state: 'connected',
          config: { auth_type: 'per_user_headers', per_user_header_keys: ['x-user-token'] },
        },
        async works() {
          const required = requiredIn(await gateway.execute('c1-echo', { text: 'hi' }));
          expect(required.required_header_keys).toEqual(['x-user-token']);
        },
      };
    },
  },
  {
    fields: ['per_user_header_keys'],
    says: 'every holder is asked anew for one more header',
    tab: 'credentials',
    begin({ gateway, upstream }) {
      const open = { client_id: 'c1', user_headers: SAMPLE };
      let authorization = '';
      return {
        async client() {
          await gateway.createClient(personalClient(upstream.url, open));
          authorization = `Bearer ${(await createKey(gateway, 'holder')).value}`;
          const refused = requiredIn(await gateway.execute('c1-whoami', {}, { authorization }));
          expect((await submit(gateway, refused, SAMPLE)).status).toBe(200);
        },
        edit: (page) => page.getByLabel('Headers that each user supplies').fill('x-user-token\nx-tenant'),
        sends: { per_user_header_keys: ['x-user-token', 'x-tenant'] },
        async works() {
          expect(await listSessions(gateway)).toContainEqual(expect.objectContaining({ status: 'needs_update' }));
          const required = requiredIn(await gateway.execute('c1-whoami', {}, { authorization }));
          expect(required.required_header_keys).toEqual(['x-user-token', 'x-tenant']);
        },
      };
    },
  },
];
