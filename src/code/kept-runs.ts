import { randomBytes } from 'node:crypto';
import { promisify } from 'node:util';
import { deflateRaw, inflateRaw } from 'node:zlib';
import type { ApprovalNotice } from '../contract/approval.ts';
import type { ClientSettings } from '../contract/client-settings.ts';
import { GatewayError } from '../lib/errors.ts';
import type { CodeRunStore } from '../store/code-runs.ts';
import type { Database } from '../store/database.ts';

/** A run of code as it is at one moment: how it began, and how far it has come. */
export interface RunState {
  readonly code: string;
  /** What it was begun with; it goes on with the same, whatever the settings say then. */
  readonly servers: readonly string[];
  readonly calls: number;
  readonly output: number;
  readonly hasArtifacts: boolean;
  /** Where its artifacts are kept, and what the caller must send to come back to them. */
  readonly session: { readonly key: string; readonly name?: string };
  /** Whether the caller has read the code, so that it may call whatever the caller may. */
  readonly isReviewed: boolean;
  /** Calls that it has made. */
  readonly made: number;
  /** What it has printed. */
  readonly printed: string;
  /** Where it stopped, and the calls that wait there; absent: it has not begun. */
  readonly stop?: RunStop;
}

export interface RunStop {
  readonly continuation: string;
  readonly waits: readonly { readonly id: string; readonly approval: ApprovalNotice }[];
}

/** Runs that stopped for a person, until their callers come back. In the database: other nodes have them, and later processes. */
export interface KeptRuns {
  /** A name for a run, which nobody can guess. */
  begin(): string;
  /** Keeps it under its name. */
  keep(name: string, principal: string, state: RunState): Promise<void>;
  /** Throws `invalid_request` for one that is not there, is somebody else's, or whose time is over. */
  find(name: string, principal: string): Promise<RunState>;
  /** Takes it out: of several who want to go on with it, one does. Throws as {@link find} to the others. */
  take(name: string): Promise<void>;
  stop(): void;
}

interface KeptRunsDeps {
  readonly store: CodeRunStore;
  readonly database: Pick<Database, 'transaction'>;
  readonly settings: () => Pick<ClientSettings, 'approval_ttl'>;
  readonly onError: (error: unknown) => void;
}

/** Of one caller. */
const MAX_KEPT = 100;
/** Bytes of one, compressed. */
const MAX_SIZE = 1024 * 1024;
const MAX_WHOLE = 64 * 1024 * 1024;
const SWEEP_MS = 10 * 60_000;
const deflate = promisify(deflateRaw);
const inflate = promisify(inflateRaw);

/** Keeps runs as long as a call may wait and its approval then holds. */
export function createKeptRuns({ store, database, settings, onError }: KeptRunsDeps): KeptRuns {
  const sweeping = setInterval(() => void store.sweep(Date.now()).catch(onError), SWEEP_MS).unref();

  return {
    begin: () => `run_${randomBytes(18).toString('base64url')}`,
    async keep(id, principal, state) {
      const now = Date.now();
      if ((await store.count(principal, now)) >= MAX_KEPT)
        throw new GatewayError('too_many_attempts', `${MAX_KEPT} runs of yours wait already; end some of them first`, {
          details: { retry_after: 60 },
        });
      // Not on the main thread: a run may hold all that its calls gave.
      const packed = await deflate(JSON.stringify(state));
      if (packed.length > MAX_SIZE)
        throw new GatewayError('payload_too_large', 'the run has read too much to be kept while it waits for approval');
      const row = {
        id,
        principal,
        state: packed.toString('base64'),
        expires_at: now + 2_000 * settings().approval_ttl,
      };
      // In a transaction, which looks whether the encryption key is still the one.
      await database.transaction((tx) => store.with(tx).insert(row));
    },
    async find(id, principal) {
      const packed = await store.find(id, principal, Date.now());
      if (packed === undefined) throw gone();
      const text = await inflate(Buffer.from(packed, 'base64'), { maxOutputLength: MAX_WHOLE });
      return JSON.parse(text.toString()) as RunState; // written above, and nobody else could have
    },
    async take(id) {
      if (!(await store.take(id))) throw gone();
    },
    stop: () => clearInterval(sweeping),
  };
}

function gone(): GatewayError {
  return new GatewayError(
    'invalid_request',
    'continuation: unknown, in use, or its time is over; send the code again to begin anew',
  );
}
