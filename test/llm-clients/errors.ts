import assert from 'node:assert/strict';
import { SCRIPTED_FAILURE } from '../kit/model-server.ts';
import type { Access, Failure } from './llm-client.ts';
import type { Stage } from './stage.ts';

const REFUSAL = { type: 'invalid_request_error', message: 'the temperature is too high' };

/** What goes wrong, and what the client's caller hears of it. */
export const ERRORS = {
  async '401'(stage: Stage) {
    const { access } = stage;
    await expectFailure(stage, { status: 401, says: /virtual key/ }, { ...access, apiKey: 'sk-bf-nobody' });
  },

  async '402'(stage: Stage) {
    const limits = { budgets: [{ max_limit: 1, reset_duration: '1d' }] };
    const access = await stage.accessWith({ allow_all_providers: true, ...limits });
    const headers = { authorization: `Bearer ${access.apiKey}` };
    const paid = await stage.gateway.execute('c1-add', { a: 1, b: 2 }, headers);
    assert.equal(paid.status, 200, JSON.stringify(paid.body));
    await expectFailure(stage, { status: 402, says: /1 of 1 USD/ }, access);
  },

  async '403'(stage: Stage) {
    const allowed = { allowed_models: ['another'], allow_all_keys: true };
    const provider_configs = ['openai', 'anthropic'].map((provider) => ({ provider, ...allowed }));
    const access = await stage.accessWith({ provider_configs });
    await expectFailure(stage, { status: 403, says: /model/ }, access);
  },

  async '429'(stage: Stage) {
    const rate_limit = { request_max_limit: 1, request_reset_duration: '1h' };
    const access = await stage.accessWith({ allow_all_providers: true, rate_limit });
    stage.models.script({ text: 'hello' });
    await stage.ask({}, access);
    await expectFailure(stage, { status: 429, says: /requests/ }, access);
  },

  async refusal(stage: Stage) {
    const body = JSON.stringify({ type: 'error', error: REFUSAL });
    stage.models.script({ raw: { status: 400, body } });
    await expectFailure(stage, { status: 400, says: /the temperature is too high/ });
  },

  async outage(stage: Stage) {
    stage.models.script({ raw: { status: 503, body: JSON.stringify({ error: { message: 'down for repairs' } }) } });
    await expectFailure(stage, { status: 503, says: /down for repairs/ });
  },

  async 'broken stream'(stage: Stage) {
    stage.models.script({ text: 'hello world', breakAfter: eventsBefore(stage), delayMs: 20 });
    await expectFailure(stage, { status: undefined, says: /provider/ });
  },

  async 'failing stream'(stage: Stage) {
    stage.models.script({ text: 'hello world', failAfter: eventsBefore(stage), delayMs: 20 });
    await expectFailure(stage, { status: undefined, says: new RegExp(SCRIPTED_FAILURE) });
  },
} as const;

/** So many events has the provider sent when all the text is there, but not the end. */
function eventsBefore({ provider, client }: Stage): number {
  if (provider === 'anthropic') return 5;
  return client.format === 'responses' ? 6 : 3;
}

async function expectFailure(
  { ask, client }: Stage,
  { status, says }: { readonly status: number | undefined; readonly says: RegExp },
  access?: Access,
): Promise<void> {
  const error: unknown = await ask({}, access).then(
    ({ text }) => assert.fail(`no error but "${text}"`),
    (thrown: unknown) => thrown,
  );
  const failure: Failure = client.readFailure(error);
  const heard = JSON.stringify(failure);
  assert.equal(failure.kind, client.kindFor(status), heard);
  assert.equal(failure.status, status, heard);
  assert.match(failure.message, says, heard);
}
