import { expect, test } from 'vitest';
import { createReadiness } from './readiness.ts';

test('is not ready before everything is loaded, nor after the end has begun', async () => {
  const readiness = createReadiness({ ping: async () => {} });
  await expect(readiness.check()).rejects.toMatchObject({ code: 'starting', status: 503 });
  readiness.begin();
  expect(await readiness.check()).toBe('ok');
  readiness.end();
  await expect(readiness.check()).rejects.toMatchObject({ code: 'shutting_down', status: 503 });
  readiness.begin();
  await expect(readiness.check()).rejects.toMatchObject({ code: 'shutting_down' });
});

test('a database that is gone or hangs is said, and costs one question at a time', async () => {
  let asked = 0;
  let answer = Promise.withResolvers<unknown>();
  const ping = () => {
    asked += 1;
    return answer.promise;
  };
  const readiness = createReadiness({ ping, pingLimitMs: 5 });
  readiness.begin();
  expect(await Promise.all([readiness.check(), readiness.check()])).toEqual(['unreachable', 'unreachable']);
  expect(await readiness.check()).toBe('unreachable');
  expect(asked).toBe(1);
  answer.reject(new Error('connection lost'));
  await expect(answer.promise).rejects.toThrow('connection lost');
  answer = Promise.withResolvers();
  answer.resolve(undefined);
  expect(await readiness.check()).toBe('ok');
  expect(asked).toBe(2);
});
