import { expect, test } from 'vitest';
import { createPasswords } from './password.ts';

const passwords = createPasswords();

test('a password is right for its own hash alone, however its characters were typed', async () => {
  const stored = await passwords.hash('Grüße-an-alle-1');
  expect(stored).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$[\w+/]{22}\$[\w+/]{43}$/);
  expect(await passwords.hash('Grüße-an-alle-1')).not.toBe(stored);
  expect(await passwords.verify('Gru\u0308ße-an-alle-1', stored)).toBe(true);
  for (const wrong of ['Grüße-an-alle-2', 'grüße-an-alle-1', '', 'Grüße-an-alle-1 '])
    expect(await passwords.verify(wrong, stored)).toBe(false);
});

test('the hash of another program, with another cost, is understood', async () => {
  // echo -n 'password' | argon2 somesalt -id -t 2 -k 65536 -p 1 (the test vector of the reference implementation)
  const stored = '$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc';
  expect(await passwords.verify('password', stored)).toBe(true);
  expect(await passwords.verify('passwort', stored)).toBe(false);
});

test('nothing stored is never right, and takes the same work', async () => {
  expect(await passwords.verify('', undefined)).toBe(false);
  const time = async (stored: string | undefined) => {
    const start = process.cpuUsage();
    await passwords.verify('some password', stored);
    const { user, system } = process.cpuUsage(start);
    return user + system;
  };
  const stored = await passwords.hash('x');
  await time(stored);
  // Far apart if one of them skipped the hash: 30 ms against next to nothing.
  expect(await time(undefined)).toBeGreaterThan((await time(stored)) / 5);
});

test('what cannot be read is an error and not a wrong password', async () => {
  for (const stored of ['', 'plain', '$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHQ$AAAA', '$2b$10$x'])
    await expect(passwords.verify('x', stored)).rejects.toMatchObject({ code: 'internal_error' });
});

test('a flood of sign-ins is refused before it takes all memory, and passes', async () => {
  const flood = Array.from({ length: 70 }, () => passwords.verify('x', undefined).catch(({ code }) => code as string));
  const outcomes = await Promise.all(flood);
  expect(outcomes.filter((outcome) => outcome === 'too_many_attempts')).toHaveLength(4);
  expect(outcomes.filter((outcome) => outcome === false)).toHaveLength(66);
  expect(await passwords.verify('x', undefined)).toBe(false);
});
