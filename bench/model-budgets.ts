import type { RatioBudget } from './budgets.ts';
import type { Sample } from './load.ts';
import type { ModelTargetName } from './model-targets.ts';

const perSecond = { words: 'calls/s', digits: 2, figure: (s: Sample) => s.callsPerSecond };
const firstByte = { words: 'time to first byte', digits: 2, figure: (s: Sample) => s.firstByte };
const cpu = { words: 'CPU per call', digits: 2, figure: (s: Sample) => s.cpuMicros };

type Kind = 'chat' | 'paced' | 'whole' | 'tools';
const KINDS: Readonly<Record<Kind, string>> = {
  chat: 'streamed answer',
  paced: 'a chunk every 5 ms',
  whole: 'answer at once',
  tools: '20 tools, streamed',
};
const OTHERS = { proxy: 'the bare proxy', portkey: 'Portkey', before: 'the other build' };

/** What Asbru may take of a request to a model. */
export const modelBudgets: RatioBudget[] = [
  compare('chat', 'proxy', perSecond, { least: 0.75 }),
  compare('chat', 'proxy', firstByte, { most: 1.3 }),
  compare('paced', 'proxy', firstByte, { most: 1.3 }),
  compare('whole', 'proxy', perSecond, { least: 0.75 }),
  compare('tools', 'proxy', perSecond, { least: 0.75 }),
  compare('tools', 'proxy', firstByte, { most: 1.3 }),
  compare('chat', 'portkey', perSecond, { least: 1 }),
  compare('chat', 'portkey', cpu, { most: 1 }),
  compare('paced', 'portkey', firstByte, { most: 1 }),
  compare('whole', 'portkey', perSecond, { least: 1 }),
  compare('chat', 'before', perSecond, { least: 0.95 }),
  compare('chat', 'before', cpu, { most: 1.05 }),
  compare('paced', 'before', cpu, { most: 1.05 }),
];

// eslint-disable-next-line max-params -- one line of a table
function compare(
  kind: Kind,
  other: keyof typeof OTHERS,
  { words, digits, figure }: typeof perSecond,
  limit: RatioBudget['limit'],
): RatioBudget {
  return {
    key: `${kind}_${words.replaceAll(/[^a-z]+/gi, '_')}_vs_${other}`.toLowerCase(),
    title: `${KINDS[kind]} against ${OTHERS[other]}, ${words}`,
    of: [`${kind}-asbru` as ModelTargetName, `${kind}-${other}` as ModelTargetName],
    figure,
    limit,
    digits,
  };
}
