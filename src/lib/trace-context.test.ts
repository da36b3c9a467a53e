import { expect, test } from 'vitest';
import { parseTraceParent, readTraceContext } from './trace-context.ts';

const TRACE = '0af7651916cd43dd8448eb211c80319c';
const SPAN = 'b7ad6b7169203331';
const GOOD = `00-${TRACE}-${SPAN}-01`;

test('a traceparent is read into its parts', () => {
  expect(parseTraceParent(GOOD)).toEqual({ traceId: TRACE, spanId: SPAN, isSampled: true });
  expect(parseTraceParent(`00-${TRACE}-${SPAN}-02`)?.isSampled).toBe(false);
});

test('a later version may say more behind what is known', () => {
  expect(parseTraceParent(`01-${TRACE}-${SPAN}-01-more`)?.spanId).toBe(SPAN);
});

test.each([
  '',
  `00-${TRACE}-${SPAN}`,
  `00-${TRACE}-${SPAN}-01-more`,
  `ff-${TRACE}-${SPAN}-01`,
  `00-${'0'.repeat(32)}-${SPAN}-01`,
  `00-${TRACE}-${'0'.repeat(16)}-01`,
  `00-${TRACE.toUpperCase()}-${SPAN}-01`,
  `${GOOD}\n`,
])('a traceparent that breaks the rules counts as absent: %j', (text) => {
  expect(parseTraceParent(text)).toBeUndefined();
  expect(readTraceContext(text, 'a=1')).toBeUndefined();
});

test('a tracestate that cannot be handed on is left out, and the trace goes on', () => {
  expect(readTraceContext(GOOD, 'a=1,b=2')).toEqual({ traceparent: GOOD, tracestate: 'a=1,b=2' });
  for (const bad of [undefined, '', 7, 'a=ü', `a=${'1'.repeat(600)}`])
    expect(readTraceContext(GOOD, bad)).toEqual({ traceparent: GOOD });
});
