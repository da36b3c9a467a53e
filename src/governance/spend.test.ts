import { expect, test } from 'vitest';
import { budget, CENT, holder, rate, refusal, requests, setUpSpend, tokens } from '../../test/kit/limits.ts';
import { compileLimits } from './limits.ts';

test('a call counts on every budget and limit of its chain', () => {
  const both = { ...requests('r', 10), token_max_limit: 10, token_reset_duration: '1h' };
  const { reserve, charges } = setUpSpend(
    holder('virtual_key', [budget('k')], both),
    holder('team', [budget('t1'), budget('t2', { reset_duration: '1h' })]),
    holder('customer', [], requests('c', 10)),
  );
  reserve().settle(CENT, 7);
  const amounts = Object.fromEntries(charges.map(({ counter_id, amount }) => [counter_id, amount]));
  expect(amounts).toEqual({ 'r:requests': 1, 'r:tokens': 7, k: CENT, t1: CENT, t2: CENT, 'c:requests': 1 });
  expect(charges).toHaveLength(6);
});

test('a call that costs nothing counts as a request and as nothing else', () => {
  const { reserve, charges } = setUpSpend(holder('virtual_key', [budget('k')], requests('r', 2)));
  reserve(0).settle(0);
  expect(charges).toEqual([{ counter_id: 'r:requests', window_start: 0, amount: 1 }]);
});

test('of many calls at once on the last cent one is let through', () => {
  const { reserve, limits, spend } = setUpSpend(holder('virtual_key', [budget('k', { max_limit: 0.01 })]));
  const first = reserve();
  for (let call = 0; call < 20; call += 1) expect(refusal(reserve).code).toBe('budget_exceeded');
  first.settle(CENT);
  expect(refusal(reserve).code).toBe('budget_exceeded');
  expect(spend.peek(limits)).toMatchObject([{ used: CENT, pending: 0, isExhausted: true }]);
});

test('a released call makes room again, and so does one that is disposed of', () => {
  const { reserve, charges } = setUpSpend(holder('virtual_key', [budget('k', { max_limit: 0.01 })], requests('r', 1)));
  reserve().release();
  {
    using reservation = reserve();
    expect(refusal(reserve).code).toBe('request_limited');
    expect(reservation).toBeDefined();
  }
  expect(charges).toEqual([]);
  reserve().settle(CENT);
});

test('a reservation counts once, however often it is ended', () => {
  const { reserve, charges, limits, spend } = setUpSpend(holder('virtual_key', [budget('k')]));
  for (const first of ['settle', 'release'] as const) {
    const reservation = reserve();
    reservation[first](CENT);
    reservation.settle(CENT);
    reservation.release();
    reservation[Symbol.dispose]();
  }
  expect(charges).toHaveLength(1);
  expect(spend.peek(limits)).toMatchObject([{ used: CENT, pending: 0 }]);
});

test('a budget of 0 blocks at once, even what costs nothing', () => {
  const { reserve } = setUpSpend(holder('virtual_key', [budget('k', { max_limit: 0 })]));
  expect(refusal(() => reserve(0))).toMatchObject({ code: 'budget_exceeded', status: 402 });
});

test('a refusal says who is limited, by what, and when to come again', () => {
  const { reserve, clock, limits, spend } = setUpSpend(
    holder('virtual_key', [budget('k', { max_limit: 5 })]),
    holder('team', [budget('t', { max_limit: 0.02, reset_duration: '1m' })]),
  );
  reserve().settle(CENT);
  const open = reserve();
  clock.time = 58_999;
  const error = refusal(reserve);
  expect(error).toMatchObject({
    code: 'budget_exceeded',
    message: 'team "the team" has used 0.01 of 0.02 USD and reserved 0.01 for calls under way',
    details: { retry_after: 2, limit: { kind: 'team', name: 'the team' }, counter_id: 't' },
  });
  clock.time = 59_999;
  expect(refusal(reserve).details).toMatchObject({ retry_after: 1 });
  open.release();
  expect(spend.peek(limits)).toMatchObject([
    { counter_id: 'k', isExhausted: false },
    { counter_id: 't', kind: 'team', name: 'the team', what: 'budget', used: CENT, max: 2 * CENT, window_end: 60_000 },
  ]);
});

test('requests, tokens and both are refused by names of their own, before any budget', () => {
  const spent = [budget('k', { max_limit: 0 })];
  const both = { ...requests('r', 1), token_max_limit: 5, token_reset_duration: '1h' };
  const full = setUpSpend(holder('virtual_key', [], both));
  full.reserve().settle(0, 5);
  expect(refusal(full.reserve)).toMatchObject({
    code: 'rate_limited',
    status: 429,
    message: 'virtual key "the virtual_key" has used 1 of 1 requests; 5 of 5 tokens',
    details: { retry_after: 3_600, counter_id: 'r:tokens' },
  });
  const perRequest = setUpSpend(holder('virtual_key', spent), holder('customer', [], requests('r', 1)));
  expect(refusal(perRequest.reserve).code).toBe('budget_exceeded');
  perRequest.counters.charge(perRequest.counters.open('r:requests'), { start: 0, end: 1 }, 1);
  expect(refusal(perRequest.reserve)).toMatchObject({ code: 'request_limited', details: { retry_after: 60 } });
  const perToken = setUpSpend(holder('virtual_key', [], tokens('r', 5)));
  perToken.reserve().settle(0, 9);
  expect(refusal(perToken.reserve)).toMatchObject({ code: 'token_limited', details: { retry_after: 3_600 } });
});

test('the limits of the key are named before those of the team, and these before those of the customer', () => {
  const chain = [
    holder('virtual_key', [budget('k', { max_limit: 0.01 })], tokens('kr', 1)),
    holder('team', [budget('t', { max_limit: 0.01 })], requests('tr', 1)),
    holder('customer', [budget('c', { max_limit: 0.01 })]),
  ];
  const { reserve, counters } = setUpSpend(...chain);
  reserve().settle(CENT, 1);
  expect(refusal(reserve).details).toMatchObject({ counter_id: 'kr:tokens' });
  counters.reset(['kr:tokens']);
  expect(refusal(reserve).details).toMatchObject({ counter_id: 'tr:requests' });
  counters.reset(['tr:requests']);
  for (const id of ['k', 't', 'c']) {
    expect(refusal(reserve).details).toMatchObject({ counter_id: id });
    counters.reset([id]);
  }
  reserve().release();
});

test('an override adds to a budget until its time is over', () => {
  const patch = { max_limit: 0.01, override_amount: 0.01, override_until: 5_000 };
  const { reserve, clock } = setUpSpend(holder('virtual_key', [budget('k', patch)]));
  reserve().settle(CENT);
  reserve().settle(CENT);
  expect(refusal(reserve).code).toBe('budget_exceeded');
  const forEver = setUpSpend(holder('virtual_key', [budget('k', { max_limit: 0, override_amount: 0.01 })]));
  forEver.clock.time = 1e12;
  forEver.reserve().release();
  const over = setUpSpend(holder('virtual_key', [budget('k', patch)]));
  over.reserve().settle(CENT);
  over.clock.time = 5_000;
  expect(refusal(over.reserve).code).toBe('budget_exceeded');
  expect(clock.time).toBe(0);
});

test('a call is charged to the window in which it ends, and holds its place until then', () => {
  const { reserve, clock, charges } = setUpSpend(
    holder('virtual_key', [budget('k', { max_limit: 0.01 })], requests('r', 1)),
  );
  const call = reserve();
  clock.time = 86_400_000;
  expect(refusal(reserve).code).toBe('request_limited');
  call.settle(CENT);
  expect(charges.map(({ window_start }) => window_start)).toEqual([86_400_000, 86_400_000]);
  expect(refusal(reserve).code).toBe('request_limited');
});

test('a change of the limits keeps what is used and what is reserved', () => {
  const { reserve, spend } = setUpSpend(holder('virtual_key', [budget('k', { max_limit: 0.02 })]));
  reserve().settle(CENT);
  const call = reserve();
  const lower = compileLimits([holder('virtual_key', [budget('k', { max_limit: 0.02 })])]);
  const higher = compileLimits([holder('virtual_key', [budget('k', { max_limit: 0.03 })])]);
  expect(refusal(() => spend.reserve(lower, CENT)).code).toBe('budget_exceeded');
  spend.reserve(higher, CENT).release();
  call.settle(CENT);
  expect(spend.peek(higher)).toMatchObject([{ used: 2 * CENT, pending: 0 }]);
});

test('who has no limits is never refused and charged nothing', () => {
  const { limits, reserve, spend, charges } = setUpSpend(holder('virtual_key', []), holder('team', [], rate('r', {})));
  expect(limits).toBeUndefined();
  expect(reserve()).toBe(reserve(5));
  reserve().settle(CENT, 1);
  reserve().release();
  expect([spend.peek(limits), charges]).toEqual([[], []]);
});
