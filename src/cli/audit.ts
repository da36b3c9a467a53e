import type { Stores } from '../config/open-stores.ts';
import type { AuditVerdict } from '../contract/audit.ts';
import { GatewayError, messageOf } from '../lib/errors.ts';
import { openExisting, type DatabaseFlags } from './open-existing.ts';

/** The flags of `asbru audit …`: where the database is, as for a start. */
export type AuditFlags = DatabaseFlags;

/** The flags of `asbru audit verify`. */
export interface VerifyFlags extends AuditFlags {
  /** A hash that an earlier check printed, and that was kept where the database cannot be changed from. */
  readonly anchor?: string;
}

/** The trail does not hold. */
const BROKEN = 1;
/** Nobody knows: it could not be read. */
const UNCHECKED = 2;
const PAGE = 500;

/** `asbru audit verify`: checks the whole chain, beside a running gateway if there is one. */
export function verifyAudit({ anchor, ...flags }: VerifyFlags): Promise<void> {
  return withStores(flags, async ({ audit }) => {
    const verdict = await audit.verify(showProgress);
    if (process.stderr.isTTY) process.stderr.write('\r\u001B[K');
    const fault = verdict.is_intact ? await findAnchorFault(anchor, audit) : faultText(verdict);
    process.stdout.write(fault === undefined ? intactText(verdict) : `${fault}\n`);
    if (fault !== undefined) process.exitCode = BROKEN;
  });
}

/** `asbru audit export`: every entry as a line of JSON, oldest first. */
export function exportAudit(flags: AuditFlags): Promise<void> {
  return withStores(flags, async ({ audit }) => {
    for (let last = 0; ;) {
      const entries = await audit.listAfter(last, PAGE);
      const lines = entries.map((entry) => `${JSON.stringify(entry)}\n`).join('');
      const newest = entries.at(-1);
      if (newest === undefined) return;
      last = newest.id;
      await print(lines);
    }
  });
}

async function withStores(flags: AuditFlags, work: (stores: Stores) => Promise<void>): Promise<void> {
  try {
    const stores = await openExisting(flags);
    try {
      await work(stores);
    } finally {
      await stores.database.close();
    }
  } catch (error) {
    const message = error instanceof GatewayError ? error.message : messageOf(error);
    process.stderr.write(`asbru cannot read the audit logs: ${message}\n`);
    process.exitCode = UNCHECKED;
  }
}

async function findAnchorFault(anchor: string | undefined, audit: Stores['audit']): Promise<string | undefined> {
  if (anchor === undefined || (await audit.hasHash(anchor))) return undefined;
  return `BROKEN: the chain holds, but the entry ${anchor} is not in it; the logs were set back to an earlier state`;
}

function intactText({ entries, head }: AuditVerdict): string {
  return `${entries} ${entries === 1 ? 'entry' : 'entries'}, intact${head === '' ? '' : `; the newest is ${head}`}\n`;
}

function faultText({ entries, first_broken_id, reason }: AuditVerdict): string {
  return `BROKEN at entry ${first_broken_id}: ${reason}. Entries before it that hold: ${entries}`;
}

function showProgress(entries: number): void {
  if (process.stderr.isTTY) process.stderr.write(`\r${entries} entries checked`);
}

/** Waits until a slow reader has taken the lines. */
function print(text: string): Promise<void> {
  return new Promise((resolve, reject) => {
    process.stdout.write(text, (error) => (error ? reject(error) : resolve()));
  });
}
