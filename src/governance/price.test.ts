import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ToolPrice } from '../contract/tool-price.ts';
import { MAX_NANOS, toNanos } from '../lib/money.ts';
import { compilePrice } from './price.ts';

/** The price of a call with these arguments and a result of this size. */
function priceOf(price: ToolPrice | undefined, args: unknown, resultBytes = 0): number {
  const compiled = compilePrice(price);
  return compiled.final(compiled.estimate(JSON.stringify(args)), resultBytes);
}

const usd = fc.oneof(fc.constant(0), fc.double({ min: 1e-9, max: 100, noNaN: true }));

test('a tool without a price is free, and one with a number costs this, whatever it is given', () => {
  expect(priceOf(undefined, { a: 1 }, 1e6)).toBe(0);
  fc.assert(
    fc.property(usd, fc.jsonValue(), fc.nat(), (price, args, size) => {
      expect(priceOf(price, args, size)).toBe(toNanos(price));
    }),
  );
});

test('a number as price does not look at the arguments, not even whether they can be read', () => {
  const unreadable = new Proxy(new Uint8Array(), {
    get() {
      throw new Error('read');
    },
  });
  expect(compilePrice(0.5).estimate(unreadable)).toBe(5e8);
  expect(compilePrice({ base: 0.5, per_result_kb: 1 }).estimate(unreadable)).toBe(5e8);
  expect(compilePrice(0.5)).toMatchObject({ isByArguments: false, isByResult: false });
  expect(compilePrice({ per_argument_kb: 1 })).toMatchObject({ isByArguments: true, isByResult: false });
  expect(compilePrice({ per_argument: { n: 1 } })).toMatchObject({ isByArguments: true, isByResult: false });
  expect(compilePrice({ per_result_kb: 1 })).toMatchObject({ isByArguments: false, isByResult: true });
});

test('base, units, arguments and result are added up', () => {
  const price = {
    base: 0.001,
    per_argument: { pages: 0.01, copies: 0.1 },
    per_argument_kb: 1.024,
    per_result_kb: 2.048,
  };
  const args = { pages: 3, copies: 2, other: 1e6 };
  const bytes = JSON.stringify(args).length;
  expect(priceOf(price, args, 512)).toBe(1e6 + 3e7 + 2e8 + bytes * 1e6 + 1_024_000_000);
});

test('the price is whole, never falls with the number of units, and is never less than the exact one', () => {
  fc.assert(
    fc.property(
      usd,
      fc.double({ min: 0, max: 1e6, noNaN: true }),
      fc.double({ min: 0, max: 1e6, noNaN: true }),
      (each, a, b) => {
        const [less, more] = [Math.min(a, b), Math.max(a, b)].map((n) => priceOf({ per_argument: { n: each } }, { n }));
        expect(Number.isSafeInteger(less)).toBe(true);
        expect(less).toBeLessThanOrEqual(more ?? 0);
        expect(less).toBeGreaterThanOrEqual(Math.min(toNanos(each) * Math.min(a, b), MAX_NANOS));
        expect(less).toBeLessThanOrEqual(toNanos(each) * Math.min(a, b) + 1);
      },
    ),
  );
});

test('a kilobyte is 1,024 bytes, charged in proportion and rounded up', () => {
  expect([0, 1, 1023, 1024, 1025].map((size) => priceOf({ per_result_kb: 1e-6 }, {}, size))).toEqual([
    0, 1, 1000, 1000, 1001,
  ]);
  const text = 'é'.repeat(511); // 1,022 bytes, and the quotes
  expect(compilePrice({ per_argument_kb: 1e-6 }).estimate(`"${text}"`)).toBe(1000);
  expect(compilePrice({ per_argument_kb: 1e-6 }).estimate(Buffer.from(`"${text}"`))).toBe(1000);
});

test.for(['-1', '1e999', '-1e999', '"5"', '[5]', '{"n":5}', 'true', 'null'])('the argument %s counts as 0', (value) => {
  const price = compilePrice({ base: 1, per_argument: { n: 1 } });
  expect(price.estimate(`{"n":${value},"m":7}`)).toBe(1e9);
});

test.for([undefined, '', 'null', '[]', '"n"', '5', '{', '{"n"'])(
  'arguments that are no object (%s) have no units',
  (args) => {
    expect(compilePrice({ base: 1, per_argument: { n: 1 } }).estimate(args)).toBe(1e9);
  },
);

test('of two arguments of one name the dearer one counts, in whatever order they are written', () => {
  const price = compilePrice({ per_argument: { n: 1e-9 } });
  expect(price.estimate('{"n":7,"n":0}')).toBe(7);
  expect(price.estimate('{"n":0,"\\u006e":7}')).toBe(7);
});

test('arguments with any name are found as text and as bytes', () => {
  fc.assert(
    fc.property(fc.dictionary(fc.string({ unit: 'binary', minLength: 1 }), fc.nat(1e6)), (args) => {
      const price = compilePrice({ per_argument: Object.fromEntries(Object.keys(args).map((name) => [name, 1e-9])) });
      const sum = Object.values(args).reduce((sum, value) => sum + value, 0);
      expect(price.estimate(JSON.stringify(args))).toBe(sum);
      expect(price.estimate(Buffer.from(`  ${JSON.stringify(args)}`).subarray(2))).toBe(sum);
    }),
  );
});

test('no call costs more than a budget can hold', () => {
  expect(priceOf({ per_argument: { n: 1_000_000 } }, { n: 1e300 }, 5)).toBe(MAX_NANOS);
  expect(priceOf({ base: 1_000_000, per_result_kb: 1_000_000 }, {}, 1e9)).toBe(MAX_NANOS);
});

test.for<[price: unknown, path: string]>([
  [-0.1, ''],
  [1e-10, ''],
  [1_000_001, ''],
  [Infinity, ''],
  [Number.NaN, ''],
  ['1', ''],
  [null, ''],
  [[], ''],
  [{ base: -1 }, 'base'],
  [{ base: 1e-10 }, 'base'],
  [{ per_argument: { n: -1 } }, 'per_argument.n'],
  [{ per_result_kb: Infinity }, ''],
  [{ per_call: 1 }, ''],
])('the price %o is refused', ([price, path]) => {
  const { success, error } = ToolPrice.safeParse(price);
  expect(success).toBe(false);
  expect(error?.issues.map((issue) => issue.path.join('.'))).toEqual([path]);
});

test.for([
  0,
  1e-9,
  0.5,
  {},
  { base: 0 },
  { base: 1, per_argument: { n: 2 }, per_argument_kb: 0.1, per_result_kb: 0.2 },
])('the price %o is taken as it is', (price) => {
  expect(ToolPrice.parse(price)).toEqual(price);
});

test('an unknown part is named', () => {
  expect(ToolPrice.safeParse({ base: 1, per_call: 1 }).error?.message).toContain('per_call');
});
