import type { Socket } from 'node:net';
import type { ClientBase } from 'pg';
import { GatewayError, messageOf } from '../lib/errors.ts';

/** The error for a statement that the database did not take, whatever the statement was. */
export function unavailable(place: string, cause: unknown): GatewayError {
  return new GatewayError(
    'database_unavailable',
    `No answer from the PostgreSQL database at ${place}: ${messageOf(cause)}`,
    {
      cause,
    },
  );
}

// 08 the connection, 25006 a standby that only reads, 53 no memory, disk or connection left, 57P an operator, 58 its disk.
const UNAVAILABLE = /^(08|25006|53|57P|58)/;
const SQLSTATE = /^[0-9A-Z]{5}$/;

interface Guard {
  /** Where the database is, for messages. */
  readonly place: string;
  /** How long a statement may take; undefined: as long as it likes. */
  readonly limitMs: () => number | undefined;
}

/** Lets statements on a connection end in time, and fail with `database_unavailable` when it is not for what they say. */
export function guardClient(client: ClientBase, { place, limitMs }: Guard): void {
  const query = client.query.bind(client) as (...input: unknown[]) => Promise<unknown>;
  async function guarded(...input: unknown[]): Promise<unknown> {
    const limit = limitMs();
    let late: Error | undefined;
    const onLate = (): void => {
      late = new Error(`nothing came back within ${(limit ?? 0) / 1000} s`);
      dropClient(client); // or the next statement would wait behind this one
    };
    const timer = limit === undefined ? undefined : setTimeout(onLate, limit);
    try {
      return await query(...input);
    } catch (error) {
      throw isUnavailable(error) ? unavailable(place, late ?? error) : error;
    } finally {
      clearTimeout(timer);
    }
  }
  // kysely calls it in this one way.
  client.query = guarded as typeof client.query;
}

/** Whatever carries no code of PostgreSQL did not come from it: the connection was lost, or nothing came in time. */
function isUnavailable(error: unknown): boolean {
  const { code } = error as { code?: unknown };
  return typeof code !== 'string' || !SQLSTATE.test(code) || UNAVAILABLE.test(code);
}

/** pg has no way to give a connection up without asking the other side. */
export function dropClient(client: ClientBase): void {
  (client as unknown as { connection: { stream: Socket } }).connection.stream.destroy();
}
