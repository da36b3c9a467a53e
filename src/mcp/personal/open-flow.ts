import { randomBytes } from 'node:crypto';
import { GatewayError } from '../../lib/errors.ts';
import type { HeaderFlow, HeaderFlowStore } from '../../store/header-flows.ts';
import type { Holder } from '../../store/holder.ts';

const FLOW_MS = 15 * 60_000;
/** A link with less time than this left is not handed out again. */
const REUSE_MS = 60_000;
const DAY_MS = 24 * 60 * 60_000;
/** Of one identity on one server: each account that a caller makes up would have one. */
const MAX_PENDING = 20;

/** The id of what a link leads to: what waits for this holder already, or a new one. */
export async function openFlow(
  flows: HeaderFlowStore,
  auth_kind: HeaderFlow['auth_kind'],
  client_id: string,
  { mode, identity, identity_name, label }: Holder,
): Promise<string> {
  const now = Date.now();
  const pending = await flows.listPending(now, { client_id, mode, identity });
  const same = pending.find((flow) => flow.auth_kind === auth_kind && flow.label === label);
  if (same !== undefined && same.expires_at - now > REUSE_MS) return same.id;
  if (pending.length >= MAX_PENDING)
    throw new GatewayError('rate_limited', `${pending.length} forms wait to be filled in already; use or delete them`);
  const id = randomBytes(24).toString('base64url');
  const status = 'pending';
  const expires_at = now + FLOW_MS;
  await flows.sweep(now - DAY_MS);
  const holder = { mode, identity, identity_name, label };
  await flows.insert({ id, client_id, auth_kind, ...holder, status, created_at: now, expires_at });
  return id;
}
