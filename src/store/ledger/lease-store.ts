import type { Client } from 'pg';
import { LedgerError, toLedgerError } from './faults.ts';
import { inTime } from './in-time.ts';

/** What a process wants of one counter. All amounts but the last three count from the beginning of the window. */
export interface LeaseRequest {
  readonly counter_id: string;
  readonly window_start: number;
  /** The most that all processes together may reach. */
  readonly max: number;
  /** Up to here the process may reserve without asking, even while it asks. */
  readonly keep: number;
  /** What it has charged and reserved, covered or not. */
  readonly owed: number;
  /** What the first call that waits needs: it is granted as long as anything is left. */
  readonly first: number;
  /** What all calls that wait need. */
  readonly want: number;
  /** If not 0, so small a share of what is left is granted beside: one in so many, of each process. */
  readonly share: number;
}

/** How a counter stands after a request. */
export interface LeaseAnswer {
  readonly counter_id: string;
  /** Later than the one that was asked for: another process has begun a window, and nothing was granted. */
  readonly window_start: number;
  /** Up to here the process may reserve now. */
  readonly granted: number;
  readonly used: number;
  /** What other processes hold, and what of that they had not reserved when they asked last. */
  readonly held: number;
  readonly spare: number;
  /** What nobody holds. */
  readonly room: number;
}

export interface LeaseReply {
  readonly answers: readonly LeaseAnswer[];
  /** Processes that hold leases, or may. */
  readonly nodes: number;
  /** This process was silent for so long that its leases had been given to others. */
  readonly wasLost: boolean;
}

/** The leases of one process, in the database that all share. One request at a time. */
export interface LeaseStore {
  /** Asks, and stays alive by it. Rejects when the database cannot be reached, or does not answer in time. */
  ask(requests: readonly LeaseRequest[]): Promise<LeaseReply>;
  /** Tells the other processes that somebody needs what they have to spare of these. */
  recall(ids: readonly string[]): Promise<void>;
  /** Gives everything back. */
  end(): Promise<void>;
}

export interface LeaseStoreOptions {
  /** The name under which this process writes to the ledger. */
  readonly node: string;
  /** After so long a silence others get what it holds. */
  readonly lifetimeMs: number;
  readonly timeoutMs: number;
  readonly onRecall: (ids: readonly string[]) => void;
}

/** Somebody needs what others have to spare of these. */
export interface Recall {
  readonly node: string;
  readonly ids: readonly string[];
}

type Row = LeaseAnswer;

/** Where recalls are heard. */
export const RECALLS = 'asbru_recalls';
/** A notice takes 8000 bytes. */
const IDS_PER_NOTICE = 80;
const ASK = {
  name: 'asbru lease',
  text: `select * from lease_counters($1, $2, $3,
    $4::text[], $5::bigint[], $6::bigint[], $7::bigint[], $8::bigint[], $9::bigint[], $10::bigint[], $11::bigint[])`,
};
const END = `with gone as (delete from counter_leases where node = $1)
  delete from lease_nodes where node = $1`;

/** A request that was given up was answered after a later one. */
export function tooLate(): LedgerError {
  return new LedgerError('a request for leases came too late', 'place');
}

/** Opens it on PostgreSQL: on a connection of its own, on which it also listens; made again by the first request after it broke. */
export function createLeaseStore(createClient: () => Client, options: LeaseStoreOptions): LeaseStore {
  const { node, lifetimeMs, timeoutMs, onRecall } = options;
  let connected: Promise<Client> | undefined;
  let turn = 0;

  async function connect(): Promise<Client> {
    const client = createClient();
    client.on('error', () => {}); // whoever asks next hears of it
    client.on('notification', ({ payload }) => {
      const recall = JSON.parse(payload ?? '') as Recall; // written below
      if (recall.node !== node) onRecall(recall.ids);
    });
    try {
      await client.connect();
      await client.query(`listen ${RECALLS}`);
      return client;
    } catch (error) {
      close(client);
      throw error;
    }
  }

  /** Runs it in time, or on no account again on this connection: what comes later is ignored by its turn. */
  async function run<T>(work: (client: Client) => Promise<T>): Promise<T> {
    connected ??= connect();
    const connection = connected;
    try {
      return await inTime(
        connection.then((client) => work(client)),
        timeoutMs,
      );
    } catch (error) {
      if (connected === connection) connected = undefined;
      connection.then(close, () => {});
      throw toLedgerError(error);
    }
  }

  async function send(requests: readonly LeaseRequest[]): Promise<LeaseReply> {
    turn += 1;
    const values = [node, turn, lifetimeMs, ...columnsOf(requests)];
    const { rows } = await run((client) => client.query<Row>({ ...ASK, values }));
    const [own, ...answers] = rows;
    if (own === undefined) throw tooLate();
    return { answers, nodes: own.used, wasLost: own.room === 1 };
  }

  return {
    async ask(requests) {
      const isNew = connected === undefined;
      const begun = performance.now();
      try {
        return await send(requests);
      } catch (error) {
        // A connection that broke while nobody used it does not yet mean that the database is away.
        if (isNew || performance.now() - begun > timeoutMs / 2) throw error;
        return send(requests);
      }
    },
    async recall(ids) {
      for (let from = 0; from < ids.length; from += IDS_PER_NOTICE) {
        const notice = { node, ids: ids.slice(from, from + IDS_PER_NOTICE) } satisfies Recall;
        await run((client) => client.query('select pg_notify($1, $2)', [RECALLS, JSON.stringify(notice)]));
      }
    },
    async end() {
      await run((client) => client.query(END, [node]));
      const client = await connected;
      connected = undefined;
      await client?.end();
    },
  };
}

function columnsOf(requests: readonly LeaseRequest[]): unknown[][] {
  const column = (name: keyof LeaseRequest) => requests.map((request) => request[name]);
  return (['counter_id', 'window_start', 'max', 'keep', 'owed', 'first', 'want', 'share'] as const).map(column);
}

/** Not awaited: the end of a broken connection may never be confirmed. */
function close(client: Client): void {
  client.end().catch(() => {});
}
