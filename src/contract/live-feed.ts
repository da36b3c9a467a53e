import { z } from 'zod';

/** Answer of `POST /api/session/ws-ticket`. */
export const WsTicket = z.object({
  ticket: z.string().meta({ description: 'For one connection to `/ws?ticket=…`, within 30 seconds.' }),
});

/** One message of the live feed. */
export type LiveMessage =
  /** A tool call began or ended; the row is as the logs API shows it. */
  | { readonly type: 'mcp_log'; readonly operation: 'create' | 'update'; readonly payload: unknown }
  /** The same for a request to a model. */
  | { readonly type: 'log'; readonly operation: 'create' | 'update'; readonly payload: unknown }
  /** More happened than anybody could read: so many messages were left out. */
  | { readonly type: 'mcp_log_skipped' | 'log_skipped'; readonly payload: { readonly count: number } }
  /** A record was written; the id `*` stands for any. */
  | { readonly type: 'config_changed'; readonly payload: { readonly table: string; readonly id: string } };
