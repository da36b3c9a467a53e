import { expect, test } from 'vitest';
import { growthOf } from '../../test/kit/old-generation.ts';
import { asAbortSignal, CallController } from './call-signal.ts';

test('all who listen are told once, with the first reason', () => {
  const controller = new CallController();
  const told: string[] = [];
  controller.addEventListener('abort', () => told.push('a function'));
  controller.addEventListener('abort', { handleEvent: () => told.push('an object') });
  controller.abort('the first');
  controller.abort('the second');
  expect(told).toEqual(['a function', 'an object']);
  expect(controller).toMatchObject({ aborted: true, reason: 'the first' });
});

test('who does not listen any more is not told, even if another listener sees to that', () => {
  const controller = new CallController();
  const told: string[] = [];
  const gone = (): void => void told.push('gone');
  const taken = (): void => void told.push('taken');
  controller.addEventListener('abort', gone);
  controller.addEventListener('abort', () => controller.removeEventListener('abort', taken));
  controller.addEventListener('abort', taken);
  controller.addEventListener('abort', () => told.push('stayed'));
  controller.removeEventListener('abort', gone);
  controller.abort();
  expect(told).toEqual(['stayed']);
});

test('an AbortSignal follows it, also one that is made too late', () => {
  const controller = new CallController();
  const early = asAbortSignal(controller);
  expect(early.aborted).toBe(false);
  controller.abort('a reason');
  const late = asAbortSignal(controller);
  expect([early.reason, late.reason]).toEqual(['a reason', 'a reason']);
  expect(asAbortSignal(early)).toBe(early);
});

test('what listened to a call that is over is garbage', () => {
  const grown = growthOf((ballast) => {
    const controller = new CallController();
    const listener = (): void => void ballast.length;
    controller.addEventListener('abort', listener);
    controller.removeEventListener('abort', listener);
  });
  expect(grown).toBeLessThan(4_000_000);
});
