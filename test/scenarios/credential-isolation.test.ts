import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { DATABASES } from '../kit/databases.ts';
import { HEADERS } from '../kit/isolation-headers.ts';
import { startOAuthKind } from '../kit/isolation-oauth.ts';
import { IsolationWorld } from '../kit/isolation-world.ts';
import type { CredentialKind, Step } from '../kit/isolation.ts';
import { freshDatabase } from '../kit/keys.ts';

const index = fc.nat(1_000);
const call = fc.record({ holder: index, server: index, label: index, isOnMcp: fc.boolean(), forged: index });
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({ do: fc.constant('call' as const), calls: fc.array(call, { minLength: 1, maxLength: 6 }) }),
  },
  {
    weight: 8,
    arbitrary: fc.record({
      do: fc.constant('everybody' as const),
      server: index,
      label: fc.constantFrom(0, 0, 1),
      isOnMcp: fc.boolean(),
      forged: index,
    }),
  },
  {
    weight: 14,
    arbitrary: fc.record({
      do: fc.constant('enter' as const),
      flow: index,
      link: index,
      label: fc.option(index, { nil: undefined, freq: 2 }),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('revoke' as const), row: index }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('renew' as const), row: index }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('expire' as const), secret: index }) },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('grant' as const),
      server: index,
      isOpen: fc.boolean(),
      keys: fc.array(index, { maxLength: 2 }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('demand' as const), server: index }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('drop' as const), holder: index }) },
);

const everybody: Step = { do: 'everybody', server: 0, label: 0, isOnMcp: false, forged: 0 };
const enterEach = Array.from({ length: 6 }, (_, flow): Step => ({ do: 'enter', flow, link: 1, label: undefined }));
/** With these around it, no history is one in which nothing happens. */
const FIRST: Step[] = [everybody, ...enterEach, everybody];
const LAST: Step[] = [{ do: 'grant', server: 0, isOpen: false, keys: [] }, everybody];

type Row = [string, () => CredentialKind | Promise<CredentialKind>, (typeof DATABASES)[number], number];

describe.each([
  ['per_user_headers', () => HEADERS, 'sqlite', 3],
  ['per_user_headers', () => HEADERS, 'postgres', 1],
  ['per_user_oauth', startOAuthKind, 'sqlite', 2],
  ['per_user_oauth', startOAuthKind, 'postgres', 1],
  // Of five seconds none is left once those for the way are taken off.
  ['per_user_oauth, where each call renews its token', () => startOAuthKind({ accessTokenTtl: 5 }), 'sqlite', 1],
  ['per_user_oauth, where each call renews its token', () => startOAuthKind({ accessTokenTtl: 5 }), 'postgres', 1],
] satisfies Row[])('%s', (_, startKind, type, numRuns) => {
  test(`on ${type}: nobody ever uses, lists or changes the credential of another`, { timeout: 120_000 }, async () => {
    const total = { ran: 0, asked: 0, denied: 0, entered: 0 };
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 50, maxLength: 70 }), async (steps) => {
        await using world = await IsolationWorld.open(await startKind(), await freshDatabase(type));
        for (const each of [...FIRST, ...steps, ...LAST]) {
          await world.run(each);
          await world.check();
        }
        for (const name of Object.keys(total) as (keyof typeof total)[]) total[name] += world.tally[name];
      }),
      // A history is shrunk for as long as somebody may wait for it.
      { numRuns, interruptAfterTimeLimit: 60_000 },
    );
    // A history in which nothing happens proves nothing.
    for (const count of Object.values(total)) expect(count, JSON.stringify(total)).toBeGreaterThan(numRuns);
  });
});
