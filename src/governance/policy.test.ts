import { expect, test } from 'vitest';
import { openGovernance } from '../../test/kit/governance.ts';
import { decideModel } from './model-access.ts';
import { createPolicy } from './policy.ts';

test('what a virtual key may do with a provider changes with the key, and with the limits of its team', async () => {
  await using scene = await openGovernance();
  const onError = (error: unknown) => expect.unreachable(String(error));
  const policy = await createPolicy({ ...scene.stores, changes: scene.changes, onChange: () => {}, onError });
  const team = (await scene.write('POST', '/teams', { name: 'team' }))['id'] as string;
  const provider_configs = [
    { provider: 'openai', allowed_models: ['gpt-5'], budgets: [{ max_limit: 1, reset_duration: '1d' }] },
  ];
  const { id } = await scene.write('POST', '/virtual-keys', { name: 'ci', team_id: team, provider_configs });
  const decide = (model: string, provider = 'openai') => decideModel(policy.findByName('ci'), provider, model);
  const kinds = () => {
    const decision = decide('gpt-5');
    return decision.allowed ? decision.limits?.meters.map(({ kind, what }) => `${kind} ${what}`) : [];
  };

  expect(decide('gpt-4')).toMatchObject({ allowed: false, code: 'model_blocked' });
  expect(decide('gpt-5', 'groq')).toMatchObject({ allowed: false, code: 'provider_blocked' });
  expect(kinds()).toEqual(['provider_config budget']);
  await scene.write('PUT', `/teams/${team}`, { rate_limit: { request_max_limit: 1, request_reset_duration: '1m' } });
  expect(kinds()).toEqual(['team requests', 'provider_config budget']);

  await scene.write('PUT', `/virtual-keys/${id as string}`, { provider_configs: [], allow_all_providers: true });
  expect(decide('gpt-4')).toMatchObject({ allowed: true, keyIds: ['*'] });
  expect(kinds()).toEqual(['team requests']);
});
