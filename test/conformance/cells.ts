import type { FixtureEra } from './fixture/eras.ts';

/** A revision of MCP that the suite has requirements for. */
export type Revision = '2025-11-25' | '2026-07-28';

/** One run of the suite: what stands where, and which revision is spoken there. */
export interface Cell {
  /** Its column in the table. */
  readonly name: string;
  /** What the suite takes the gateway for. */
  readonly role: 'server' | 'client';
  readonly revision: Revision;
  /** What the gateway stands in front of, when it is taken for a server. */
  readonly fixture?: FixtureEra;
}

/** As a server, the suite is the client: all pairs of what the two sides speak. As a client, the suite is the upstream server. */
export const CELLS = [
  { name: '2025 → 2025', role: 'server', revision: '2025-11-25', fixture: 'legacy' },
  { name: '2025 → 2026', role: 'server', revision: '2025-11-25', fixture: 'modern' },
  { name: '2026 → 2025', role: 'server', revision: '2026-07-28', fixture: 'legacy' },
  { name: '2026 → 2026', role: 'server', revision: '2026-07-28', fixture: 'modern' },
  { name: 'client 2025', role: 'client', revision: '2025-11-25' },
  { name: 'client 2026', role: 'client', revision: '2026-07-28' },
] as const satisfies readonly Cell[];

/** Whether both sides of a cell speak the same, so that it can be run without a gateway too. */
export function isSameEra({ fixture, revision }: Cell): boolean {
  return fixture === undefined || (fixture === 'legacy') === (revision === '2025-11-25');
}

/** The name of a cell. */
export type CellName = (typeof CELLS)[number]['name'];

interface LeftOut {
  readonly cells: readonly CellName[];
  /** Whole names, or the start of names before a `*`. */
  readonly scenarios: readonly string[];
  readonly reason: string;
}

const LEFT_OUT: readonly LeftOut[] = [
  {
    cells: ['2026 → 2025', '2026 → 2026'],
    scenarios: ['tasks-*'],
    reason: 'an optional extension that the official SDK cannot serve, so the fixture has no tasks',
  },
  {
    cells: ['client 2025', 'client 2026'],
    scenarios: ['auth/basic-cimd'],
    reason:
      "wants the suite's own address of a client document; the gateway has its own, under its public https address",
  },
  {
    cells: ['client 2025', 'client 2026'],
    scenarios: ['auth/enterprise-managed-authorization', 'auth/dpop', 'auth/dpop-nonce', 'auth/wif-jwt-bearer'],
    reason: 'optional extensions of OAuth that the gateway does not have',
  },
  {
    cells: ['2025 → 2025', '2025 → 2026'],
    scenarios: ['server-sse-polling'],
    reason:
      'asks the server to close a stream before its answer; the gateway keeps it open, whatever the server behind does',
  },
  {
    cells: ['2026 → 2025'],
    scenarios: ['input-required-result-basic-elicitation', 'input-required-result-ignore-extra-params'],
    reason: 'asks for a key of inputRequests by name; a server before 2026-07-28 names no keys',
  },
  {
    cells: ['2026 → 2025'],
    scenarios: ['input-required-result-multiple-input-requests'],
    reason: 'asks for three questions in one result; a server before 2026-07-28 sends one request per question',
  },
];

/** Why this scenario has no meaning in this cell, or nothing. */
export function whyLeftOut(cell: string, scenario: string): string | undefined {
  return LEFT_OUT.find(
    ({ cells, scenarios }) =>
      (cells as readonly string[]).includes(cell) && scenarios.some((pattern) => matches(pattern, scenario)),
  )?.reason;
}

function matches(pattern: string, scenario: string): boolean {
  return pattern.endsWith('*') ? scenario.startsWith(pattern.slice(0, -1)) : scenario === pattern;
}
