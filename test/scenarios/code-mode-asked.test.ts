import { describe, expect, test } from 'vitest';
import { listApprovals, startApprovalScene } from '../kit/approvals.ts';
import { connectAsked, type ClientEra, type User } from '../kit/asked-clients.ts';
import { returned } from '../kit/code.ts';

const CODE = { is_code_mode_client: true, tools_to_auto_execute: ['add', 'echo'], approval_by: 'caller' };
const code = `
  const three = await c1.add({ a: 1, b: 2 });
  const said = await Promise.all(['a', 'b'].map((text) => c1.echo({ text: text + three }).catch(({ code }) => code)));
  return [said, await c1.add({ a: three, b: 1 })];`;

/** Runs the code through a client whose user answers like this. */
async function runAsked(era: ClientEra, answer: NonNullable<User['answer']>, capabilities?: User['capabilities']) {
  const scene = await startApprovalScene('sqlite', CODE);
  await using asked = await connectAsked(era, scene.ada, {
    name: 'ada',
    answer,
    ...(capabilities && { capabilities }),
  });
  const { content } = (await asked.client.callTool({ name: 'executeToolCode', arguments: { code } })) as unknown as {
    content: { text: string }[];
  };
  const { heard } = asked;
  return Object.assign(scene, {
    text: content[0]?.text ?? '',
    questions: heard.map(({ params }) => params['message']),
  });
}

describe.each(['legacy', 'modern'] as const)('the user of a %s client that runs code', (era) => {
  test('is asked about each call that wants approval, and the run goes on in the same request', async () => {
    const answers = ['accept', 'decline'];
    await using scene = await runAsked(era, () => ({ action: answers.shift() ?? 'cancel', content: {} }));
    expect(returned(scene.text)).toEqual([['a3', 'approval_denied'], 4]);
    expect(scene.questions).toEqual([
      expect.stringContaining('{"text":"a3"}'),
      expect.stringContaining('{"text":"b3"}'),
    ]);
    expect([scene.upstream.countCalls('add'), scene.upstream.countCalls('echo')]).toEqual([2, 1]);
    expect((await listApprovals(scene.gateway)).map(({ status, decided_via }) => [status, decided_via])).toEqual(
      expect.arrayContaining([
        ['used', 'elicitation'],
        ['denied', 'elicitation'],
      ]),
    );
  });

  test('may close the questions: then the run waits for somebody else', async () => {
    await using scene = await runAsked(era, () => ({ action: 'cancel' }));
    expect(scene.text).toContain('Execution waits for approval');
    expect(scene.questions).toHaveLength(2);
    expect([scene.upstream.countCalls('add'), scene.upstream.countCalls('echo')]).toEqual([1, 0]);
  });

  test('is not asked through a client that cannot ask', async () => {
    await using scene = await runAsked(era, () => ({ action: 'accept' }), {});
    expect(scene.text).toContain('Execution waits for approval');
    expect(scene.questions).toEqual([]);
  });
});
