import { randomBytes } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { basic, PASSWORD } from '../../test/kit/browser-session.ts';
import { createFaults, type Faults } from '../../test/kit/faults.ts';
import { DEFAULT_SETTINGS } from '../contract/client-settings.ts';
import { createAccounts } from '../governance/accounts.ts';
import { createAttempts } from '../governance/attempts.ts';
import { CONFIG_FILE } from '../governance/audit.ts';
import { createSignIn } from '../governance/sign-in.ts';
import { createLogger } from '../lib/logger.ts';
import { createPasswords } from '../lib/password.ts';
import { createAccountStore } from '../store/accounts.ts';
import { createAuditStore } from '../store/audit.ts';
import { createChanges } from '../store/changes.ts';
import { openDatabase, type Database } from '../store/database.ts';
import { createSessionStore } from '../store/sessions.ts';
import { createSettingsStore } from '../store/settings.ts';
import { createUserStore } from '../store/users.ts';
import { createApi } from './api.ts';
import { sessionRoutes } from './api/session.ts';
import { createBrowser } from './browser.ts';
import { createIdentifyManager } from './identify-manager.ts';
import { createIdentify, type Identify, type RequestHeaders } from './identify.ts';
import { route } from './route.ts';

const logger = createLogger({ level: 'silent', style: 'json' });
const ADDRESS = 'http://gateway';
let database: Database;
let faults: Faults;
let identify: Identify;
let app: ReturnType<typeof createApi>;
let key: string;
let served: number;
let clock: number;

beforeEach(async () => {
  database = await openDatabase({ type: 'sqlite', path: ':memory:' });
  faults = createFaults();
  served = 0;
  clock = Date.now();
  const { db } = database;
  const changes = await createChanges(database, () => {});
  const keys = createAccountStore(db);
  ({ key } = await keys.create({ name: 'all', scopes: ['read', 'write', 'mcp', 'admin'] }));
  const settings = faults.watch({ now: () => ({ ...DEFAULT_SETTINGS, enforce_auth_on_inference: false }) }, 'settings');
  const policy = faults.watch({ findCaller: () => undefined }, 'policy');
  identify = await createIdentify({ accounts: keys, changes, policy, settings: () => settings.now(), logger });
  const deps = {
    database: { ...database, ...faults.watch({ transaction: database.transaction }, 'database') },
    users: faults.watch(createUserStore(db), 'users'),
    sessions: faults.watch(createSessionStore(db), 'sessions'),
    settings: faults.watch(createSettingsStore(db), 'stored settings'),
    audit: faults.watch(createAuditStore(db, randomBytes(32)), 'audit'),
    passwords: faults.watch(createPasswords(), 'passwords'),
    attempts: faults.watch(
      createAttempts(() => clock),
      'attempts',
    ),
    changes,
    now: () => clock,
  };
  const accounts = createAccounts(deps);
  await accounts.setUp({ username: 'root', password: PASSWORD }, CONFIG_FILE);
  const signIn = faults.watch(createSignIn(deps), 'sign-in');
  const browser = faults.watch(
    createBrowser({ trustedProxies: [], settings: () => settings.now(), csrfKey: randomBytes(32) }),
    'browser',
  );
  const checkSetupToken = () => Promise.reject(new Error('not in this test'));
  const session = { accounts, signIn, users: deps.users, browser, settings: () => settings.now(), checkSetupToken };
  app = createApi({
    routes: [...sessionRoutes({ ...session, sso: undefined }), secretRoute()],
    identify: createIdentifyManager({ identify: faults.watch(identify, 'identify'), signIn, browser }),
    version: '1',
    logger,
  });
});
afterEach(() => database.close());

/** What nobody may reach whose credential could not be checked to the end. */
function secretRoute() {
  const handle = () => ({ served: (served += 1) });
  return route({ method: 'post', path: '/api/secret', summary: 'x', scope: 'write', response: z.unknown(), handle });
}

async function send(method: string, path: string, headers: Record<string, string> = {}, body?: object) {
  const all = { host: 'gateway', origin: ADDRESS, ...headers };
  const request = { method, headers: all, ...(body === undefined ? {} : { body: JSON.stringify(body) }) };
  return app.request(new Request(`${ADDRESS}${path}`, request));
}
const logIn = () => send('POST', '/api/session/login', {}, { username: 'root', password: PASSWORD });
const cookieOf = (answer: Response) => answer.headers.getSetCookie()[0]?.split(';')[0] ?? '';

async function openSession(): Promise<{ cookie: string; 'x-csrf-token': string }> {
  const cookie = cookieOf(await logIn());
  const me = (await (await send('GET', '/api/session/me', { cookie })).json()) as { csrf_token: string };
  return { cookie, 'x-csrf-token': me.csrf_token };
}

/** Lets every step of a request throw in turn, until it goes through; `denied` sees each answer before. */
async function failEachStep(
  request: () => Promise<Response>,
  denied: (answer: Response, step: string) => void,
  // Attempts that a fault made fail must not block the next one.
  pauseMs = 3_600_000,
) {
  const seen: string[] = [];
  for (let step = 1; ; step += 1) {
    faults.failAt(step);
    const answer = await request();
    const { steps } = faults;
    faults.failAt(0);
    if (steps.length < step) return { answer, seen: new Set(seen) };
    seen.push(steps[step - 1] ?? '');
    denied(answer, seen.at(-1) ?? '');
    clock += pauseMs;
  }
}

describe('an exception in any step of authentication is a denial', () => {
  const deny = ({ status, headers }: Response, step: string) => {
    expect(status, step).toBeGreaterThanOrEqual(400);
    expect(headers.getSetCookie(), step).toEqual([]);
    expect(served, step).toBe(0);
  };

  test('of an API key', async () => {
    const headers = { authorization: `Bearer ${key}` };
    const { answer, seen } = await failEachStep(() => send('POST', '/api/secret', headers), deny);
    expect(answer.status).toBe(200);
    expect(seen).toContain('identify.identifyManagement');
  });

  test('of HTTP Basic, with a password that is known already too', async () => {
    const request = () => send('POST', '/api/secret', basic('root', PASSWORD));
    const { answer, seen } = await failEachStep(request, deny);
    expect(answer.status).toBe(200);
    const steps = ['sign-in.checkBasic', 'stored settings.get', 'attempts.run', 'users.findByName', 'passwords.verify'];
    for (const step of [...steps, 'browser.addressOf']) expect(seen).toContain(step);
    served = 0;
    const again = await failEachStep(request, deny, 0);
    expect(again.answer.status).toBe(200);
    expect(again.seen).toContain('users.findByName');
    expect(again.seen).not.toContain('passwords.verify');
  });

  test('of a session', async () => {
    const headers = await openSession();
    const { answer, seen } = await failEachStep(() => send('POST', '/api/secret', headers), deny);
    expect(answer.status).toBe(200);
    const steps = ['sign-in.find', 'sessions.findUser', 'users.find', 'stored settings.get', 'settings.now'];
    for (const step of [...steps, 'browser.demandOwnPage', 'browser.demandCsrfToken']) expect(seen).toContain(step);
  });

  test('of signing in, and of being refused', async () => {
    const { answer, seen } = await failEachStep(logIn, deny);
    expect(cookieOf(answer)).toMatch(/^token=/);
    for (const step of ['passwords.verify', 'sessions.insert', 'audit.append', 'database.transaction'])
      expect(seen).toContain(step);
    const wrong = () => send('POST', '/api/session/login', {}, { username: 'root', password: 'x' });
    const refused = await failEachStep(wrong, deny);
    expect(refused.answer.status).toBe(401);
    expect(refused.seen).toContain('audit.append');
  });

  test('of a caller of /mcp, also where no key is demanded', async () => {
    const attempts: [RequestHeaders, string][] = [
      [{}, 'settings.now'],
      [{ 'x-bf-vk': 'sk-bf-1' }, 'policy.findCaller'],
    ];
    for (const [headers, step] of attempts) {
      for (let failing = 1; ; failing += 1) {
        faults.failAt(failing);
        const outcome = (() => {
          try {
            return identify.identifyInference(headers).kind;
          } catch (error) {
            return String(error);
          }
        })();
        if (faults.steps.length < failing) break;
        expect(outcome).toBe(`Error: injected into ${faults.steps[failing - 1]}`);
      }
      expect(faults.steps).toContain(step);
    }
  });
});

test('a verified password is used again for a minute, unless the account changes', async () => {
  const verified = async () => {
    faults.failAt(0);
    const { status } = await send('POST', '/api/secret', basic('root', PASSWORD));
    return [status, faults.steps.filter((step) => step === 'passwords.verify').length];
  };
  expect(await verified()).toEqual([200, 1]);
  expect(await verified()).toEqual([200, 0]);
  clock += 60_000;
  expect(await verified()).toEqual([200, 1]);
  await database.db.updateTable('users').set({ is_active: 0 }).execute();
  expect((await verified())[0]).toBe(401);
});

test('many requests at once with one password are one attempt', async () => {
  faults.failAt(0);
  const answers = await Promise.all(
    Array.from({ length: 20 }, () => send('POST', '/api/secret', basic('root', PASSWORD))),
  );
  expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
  expect(faults.steps.filter((step) => step === 'passwords.verify')).toHaveLength(1);
});

test('a session ends after thirty days', async () => {
  const headers = await openSession();
  clock += 30 * 24 * 3_600_000 - 1;
  expect((await send('POST', '/api/secret', headers)).status).toBe(200);
  clock += 1;
  expect((await send('POST', '/api/secret', headers)).status).toBe(401);
});

test('a credential of one kind is not tried as another', async () => {
  const { cookie, ...csrf } = await openSession();
  const good = { cookie, ...csrf };
  expect((await send('POST', '/api/secret', good)).status).toBe(200);
  const wrong: Record<string, string>[] = [
    { ...good, authorization: 'Bearer nobody' },
    { ...good, authorization: '' },
    { ...good, authorization: 'Digest x' },
    { ...good, ...basic('root', 'wrong') },
    { ...good, 'x-api-key': key },
    { ...good, 'api-key': 'x' },
    { ...good, 'x-bf-vk': '' },
    { ...basic('root', PASSWORD), 'x-bf-vk': 'x' },
    { authorization: `Bearer ${cookie.replace('token=', '')}` },
    basic('token', cookie.replace('token=', '')),
    basic('root', key),
    { cookie: `token=${key}` },
    { cookie: 'token=' },
  ];
  for (const headers of wrong) expect((await send('POST', '/api/secret', headers)).status).toBe(401);
});
