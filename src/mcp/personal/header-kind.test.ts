import { expect, test } from 'vitest';
import { unexpected } from '../../../test/kit/ledger.ts';
import type { HeaderCredential } from '../../store/header-credentials.ts';
import type { McpClient } from '../../store/mcp-clients.ts';
import { createCredentialIndex } from './credential-index.ts';
import { createHeaderKind } from './header-kind.ts';

const HOLDER = { mode: 'vk', identity: 'key', identity_name: 'key', label: '' } as const;
const CLIENT = { client_id: 'c1', per_user_header_keys: ['x-token'] } as unknown as McpClient;

function credential(version: number): HeaderCredential {
  const times = { created_at: 1, updated_at: version };
  const values = () => ({ 'x-token': `token-${version}` });
  return {
    id: 'one',
    client_id: 'c1',
    ...HOLDER,
    ...times,
    status: 'active',
    status_reason: undefined,
    version,
    values,
  };
}

test('values that another process replaced, of which no notice has come, are known once the server has refused the former', async () => {
  let stored = credential(1);
  const store = {
    list: async () => [stored],
    demandUpdate: async (_: string, version: number) => version === stored.version,
  };
  const changes = { subscribe: () => () => {}, publish: async () => {} };
  const index = createCredentialIndex({ store, changes, onChange: () => {}, onError: unexpected });
  await index.load();
  const kind = createHeaderKind({ index, store, changes, onError: unexpected } as unknown as Parameters<
    typeof createHeaderKind
  >[0]);
  const former = await kind.find(CLIENT, HOLDER);
  stored = credential(2);
  await expect(former?.auth.refused({} as never, {})).rejects.toThrow('the server refused the values');
  const now = await kind.find(CLIENT, HOLDER);
  expect(await now?.auth.headers()).toEqual({ 'x-token': 'token-2' });
});
