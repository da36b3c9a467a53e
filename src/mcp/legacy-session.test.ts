import { randomBytes } from 'node:crypto';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { CallController } from '../lib/call-signal.ts';
import { createSealer } from '../lib/seal.ts';
import type { SessionState } from '../store/mcp-session-states.ts';
import { createLegacySessions, type LegacySession, type LegacySessions } from './legacy-session.ts';

const SWEEP_MS = 5 * 60_000;
const state: SessionState = { logLevel: 'warning', resources: [] };
let opened: [id: string, state: SessionState | undefined][];
let ended: string[];
let sessions: LegacySessions;
let session: LegacySession;

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
  [opened, ended] = [[], []];
  sessions = createLegacySessions({
    sealer: createSealer(randomBytes(32)),
    node: 'node',
    memory: { find: async () => state, end: async () => undefined },
    onOpen: ({ id }, state) => void opened.push([id, state]),
    onEnd: ({ id }) => void ended.push(id),
  });
  session = sessions.create({
    principal: 'key',
    protocolVersion: '2025-11-25',
    capabilities: {},
    clientInfo: undefined,
  });
});
afterEach(() => {
  sessions.stop();
  vi.useRealTimers();
});

test('a session that nobody uses is forgotten, and comes back by its id with what it asked for', async () => {
  vi.advanceTimersByTime(SWEEP_MS);
  expect(ended).toEqual([]);
  vi.advanceTimersByTime(SWEEP_MS);
  expect(ended).toEqual([session.id]);
  expect(sessions.homeOf(session.id)).toBe('node');

  const again = await sessions.get(session.id, 'key');
  expect(again).toMatchObject({ id: session.id, protocolVersion: '2025-11-25', logLevel: 'warning' });
  expect(opened).toEqual([
    [session.id, undefined],
    [session.id, state],
  ]);
});

test('a session that is used now and then stays', () => {
  for (let round = 0; round < 5; round += 1) {
    vi.advanceTimersByTime(SWEEP_MS);
    expect(sessions.get(session.id, 'key')).toBe(session);
  }
  expect(ended).toEqual([]);
});

test('a session with a request under way, or with a stream, stays, and for a while after that', () => {
  const stream = { send: () => undefined, end: () => undefined };
  session.inFlight.set(1, new CallController());
  vi.advanceTimersByTime(3 * SWEEP_MS);
  session.inFlight.take(1);
  session.streams.add(stream);
  vi.advanceTimersByTime(3 * SWEEP_MS);
  session.streams.delete(stream);
  vi.advanceTimersByTime(SWEEP_MS);
  expect(ended).toEqual([]);
  vi.advanceTimersByTime(SWEEP_MS);
  expect(ended).toEqual([session.id]);
});
