import type { Selectable } from 'kysely';
import type { Approval, ApprovalStatus } from '../contract/approval.ts';
import type { Encryption } from '../lib/encryption.ts';
import { filterApprovals, type ApprovalFilter } from './approval-filter.ts';
import type { Executor } from './schema.ts';
import type { McpApprovalTable } from './tables/servers.ts';

/** A call that waits, or waited, for approval. */
export interface StoredApproval {
  readonly id: string;
  readonly principal: string;
  readonly principal_name: string;
  readonly binding: string;
  readonly client_id: string;
  readonly client_name: string;
  readonly tool: string;
  readonly arguments_digest: string;
  /** JSON text; undefined when it is over and content is not kept. */
  readonly arguments: string | undefined;
  readonly is_content_kept: boolean;
  readonly source: string;
  readonly app: string | undefined;
  readonly status: ApprovalStatus;
  readonly created_at: number;
  readonly expires_at: number;
  readonly decision: Decision | undefined;
  readonly used_at: number | undefined;
}

/** Who said yes or no. */
export interface Decision {
  readonly at: number;
  readonly by: string;
  readonly by_name: string;
  readonly via: NonNullable<Approval['decided_via']>;
  readonly note: string | undefined;
}

/** A call that asks for approval now. */
export type NewApproval = Omit<StoredApproval, 'status' | 'decision' | 'used_at'> & { readonly arguments: string };

/** Calls that wait for approval, and what became of them. Every change of a status is one statement: of several at once, one wins. */
export interface ApprovalStore {
  with(tx: Executor): ApprovalStore;
  find(id: string, now: number): Promise<StoredApproval | undefined>;
  /** What waits, is good or was denied for this binding at this moment. */
  findLive(binding: string, now: number): Promise<StoredApproval | undefined>;
  /** Newest first. */
  list(filter: ApprovalFilter, page: { limit: number; offset: number }, now: number): Promise<StoredApproval[]>;
  count(filter: ApprovalFilter, now: number): Promise<number>;
  /** False when there is a live one for the binding: it stands. */
  insert(approval: NewApproval): Promise<boolean>;
  /** False when it is none of `from` any more, or its time is over. */
  decide(
    id: string,
    from: readonly ('pending' | 'approved' | 'denied')[],
    to: 'approved' | 'denied',
    decision: Decision,
    expires_at: number,
  ): Promise<boolean>;
  /** Takes it for its one call; false when another call had it, or it is not good. */
  use(id: string, now: number): Promise<boolean>;
  /** The call that used it never began: it is as good as before, unless the caller asked anew meanwhile. */
  giveBack(id: string, binding: string): Promise<void>;
  /** The call that used it has asked something, and goes on once under this state. */
  letContinue(id: string, state: string): Promise<void>;
  /** The id of what was used by the call that goes on now; undefined for any other state. */
  resume(binding: string, state: string): Promise<string | undefined>;
  /** Ends it now. */
  expire(id: string, now: number): Promise<void>;
  /** Forgets the arguments of what is over, where they are not kept, and everything from before. */
  sweep(now: number, before: number): Promise<void>;
}

/** Rows of mcp_approvals in, entities out; arguments are encrypted on the way. */
export function createApprovalStore(db: Executor, encryption: Encryption): ApprovalStore {
  const fromRow = createFromRow(encryption);
  const one = () => db.selectFrom('mcp_approvals').selectAll();
  const change = (id: string) => db.updateTable('mcp_approvals').where('id', '=', id);

  return {
    with: (tx) => createApprovalStore(tx, encryption),

    async find(id, now) {
      return fromRow(await one().where('id', '=', id).executeTakeFirst(), now);
    },

    async findLive(binding, now) {
      const row = await one().where('live_binding', '=', binding).where('expires_at', '>', now).executeTakeFirst();
      return fromRow(row, now);
    },

    async list(filter, { limit, offset }, now) {
      const query = filterApprovals(one(), filter, now).orderBy('created_at', 'desc').orderBy('id');
      const rows = await query.limit(limit).offset(offset).execute();
      return rows.flatMap((row) => fromRow(row, now) ?? []);
    },

    async count(filter, now) {
      const query = db.selectFrom('mcp_approvals').select((count) => count.fn.countAll().as('total'));
      const { total } = await filterApprovals(query, filter, now).executeTakeFirstOrThrow();
      return Number(total);
    },

    async insert(approval) {
      // What is over makes room.
      await db
        .updateTable('mcp_approvals')
        .set({ live_binding: null })
        .where('live_binding', '=', approval.binding)
        .where('expires_at', '<=', approval.created_at)
        .execute();
      const { binding, id, app } = approval;
      const sealed = encryption.encrypt(approval.arguments, `mcp_approvals:arguments:${id}`);
      const row = { ...approval, live_binding: binding, arguments: sealed, app: app ?? null, status: 'pending' };
      const result = await db
        .insertInto('mcp_approvals')
        .values({ ...row, ...UNDECIDED, is_content_kept: Number(approval.is_content_kept) })
        .onConflict((conflict) => conflict.column('live_binding').doNothing())
        .executeTakeFirst();
      return (result.numInsertedOrUpdatedRows ?? 0n) > 0n;
    },

    async decide(id, from, to, { at, by, by_name, via, note }, expires_at) {
      const decided = {
        decided_at: at,
        decided_by: by,
        decided_by_name: by_name,
        decided_via: via,
        note: note ?? null,
      };
      const result = await change(id)
        .set({ status: to, expires_at, ...decided })
        .where('status', 'in', from)
        .where('expires_at', '>', at)
        .executeTakeFirst();
      return result.numUpdatedRows === 1n;
    },

    async use(id, now) {
      const result = await change(id)
        .set((row) => {
          const kept = row.case().when('is_content_kept', '=', 1).then(row.ref('arguments')).else(null).end();
          return { status: 'used', used_at: now, live_binding: null, arguments: kept };
        })
        .where('status', '=', 'approved')
        .where('expires_at', '>', now)
        .executeTakeFirst();
      return result.numUpdatedRows === 1n;
    },

    async giveBack(id, binding) {
      await change(id)
        .set({ status: 'approved', used_at: null, live_binding: binding, continues: null })
        .where('status', '=', 'used')
        .where(({ not, exists, selectFrom }) =>
          not(
            exists(selectFrom('mcp_approvals as other').select('other.id').where('other.live_binding', '=', binding)),
          ),
        )
        .execute();
    },

    async letContinue(id, state) {
      await change(id).set({ continues: state }).where('status', '=', 'used').execute();
    },

    async resume(binding, state) {
      const query = one().where('continues', '=', state).where('binding', '=', binding).where('status', '=', 'used');
      const { id } = (await query.executeTakeFirst()) ?? {};
      if (id === undefined) return undefined;
      const result = await change(id).set({ continues: null }).where('continues', '=', state).executeTakeFirst();
      return result.numUpdatedRows === 1n ? id : undefined;
    },

    async expire(id, now) {
      await change(id).set({ expires_at: now, live_binding: null }).where('expires_at', '>', now).execute();
    },

    async sweep(now, before) {
      await db.deleteFrom('mcp_approvals').where('created_at', '<', before).where('expires_at', '<', now).execute();
      await db
        .updateTable('mcp_approvals')
        .set({ arguments: null })
        .where('arguments', 'is not', null)
        .where('is_content_kept', '=', 0)
        .where((or) => or.or([or('status', '=', 'used'), or('expires_at', '<=', now)]))
        .execute();
    },
  };
}

const UNDECIDED = Object.freeze({
  decided_at: null,
  decided_by: null,
  decided_by_name: null,
  decided_via: null,
  note: null,
  used_at: null,
  continues: null,
});

function createFromRow(encryption: Encryption) {
  return (row: Selectable<McpApprovalTable> | undefined, now: number): StoredApproval | undefined => {
    if (row === undefined) return undefined;
    const { decided_at, decided_by, decided_by_name, decided_via, note, live_binding: _, continues: __, ...rest } = row;
    const isOver = (row.status === 'pending' || row.status === 'approved') && row.expires_at <= now;
    const text = row.arguments;
    return Object.freeze({
      ...rest,
      arguments: text === null ? undefined : encryption.decrypt(text, `mcp_approvals:arguments:${row.id}`),
      is_content_kept: row.is_content_kept === 1,
      app: row.app ?? undefined,
      status: isOver ? 'expired' : (row.status as ApprovalStatus),
      decision:
        decided_at === null
          ? undefined
          : {
              at: decided_at,
              by: decided_by ?? '',
              by_name: decided_by_name ?? '',
              via: decided_via as Decision['via'],
              note: note ?? undefined,
            },
      used_at: row.used_at ?? undefined,
    });
  };
}
