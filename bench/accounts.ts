import { request } from 'undici';
import { API_KEY } from './asbru.ts';

/** Who calls a gateway, and what the gateway does for each of these calls. */
export interface GatewayCaller {
  headers: Record<string, string>;
  /** In words, for the results. */
  accounts: string;
}

/** What a gateway has taken down of the calls so far. */
export interface Taken {
  /** Rows in the log. */
  logged: number;
  cost_usd: number;
  /** Calls that are missing from the log. */
  dropped: number;
}

const API_CALLER: GatewayCaller = {
  headers: { authorization: `Bearer ${API_KEY}` },
  accounts: 'API key; this build knows no virtual keys',
};
/** Never used up, so that every call goes the whole way. */
const budgets = [{ max_limit: 1_000_000, reset_duration: '1d' }];
const rate_limit = { request_max_limit: 1_000_000_000, request_reset_duration: '1h' };
const tokenLimit = { token_max_limit: 1_000_000_000_000, token_reset_duration: '1h' };
const FOR_TOOLS =
  'virtual key with a grant; budgets of key, team and customer; rate limit; price of the tool; log with content; metrics';
const FOR_MODELS =
  'virtual key; budgets of key, team and customer; limits of requests and tokens; price of the model; log with content; metrics';
const PATIENCE_MS = 10_000;

/**
 * Makes the caller that people have: a virtual key with a grant of its own, in a team of a customer, each with a budget, and a rate
 * limit; for models also a limit of tokens. A build that has no virtual keys is called with the API key.
 */
export async function createCaller(origin: string, client: string, isForModels = false): Promise<GatewayCaller> {
  const customer = await send(origin, 'POST', '/api/governance/customers', { name: 'customer', budgets });
  if (customer.status === 404) return API_CALLER;
  const customer_id = (read(customer) as { customer: { id: string } }).customer.id;
  const team = await send(origin, 'POST', '/api/governance/teams', { name: 'team', customer_id, budgets });
  const key = await send(origin, 'POST', '/api/governance/virtual-keys', {
    name: 'key',
    team_id: (read(team) as { team: { id: string } }).team.id,
    budgets,
    rate_limit: isForModels ? { ...rate_limit, ...tokenLimit } : rate_limit,
    allow_all_providers: isForModels,
    mcp_configs: [{ mcp_client_name: client, tools_to_execute: ['*'] }],
  });
  const { value } = (read(key) as { virtual_key: { value: string } }).virtual_key;
  return {
    headers: { authorization: `Bearer ${value}` },
    accounts: isForModels ? FOR_MODELS : FOR_TOOLS,
  };
}

/** What was taken down, when all of it is stored; undefined for a build that takes nothing down. */
export async function readTaken(origin: string, kind: 'tools' | 'models'): Promise<Taken | undefined> {
  const deadline = Date.now() + PATIENCE_MS;
  let before = -1;
  for (;;) {
    const page = await send(origin, 'GET', kind === 'models' ? '/api/logs?limit=1' : '/api/mcp-logs?limit=1');
    if (page.status === 404) return undefined;
    const { stats } = read(page) as {
      stats: { total_executions?: number; total_requests?: number; total_cost: number };
    };
    const logged = stats.total_executions ?? stats.total_requests ?? 0;
    const isSettled = logged === before;
    before = logged;
    if (!isSettled && Date.now() < deadline) {
      await new Promise((resolve) => setTimeout(resolve, 600));
      continue;
    }
    const { text } = await send(origin, 'GET', '/metrics');
    const dropped = Number(/^asbru_ledger_rows_dropped_total (\d+)/m.exec(text)?.[1] ?? Number.NaN);
    return { logged: before, cost_usd: stats.total_cost, dropped };
  }
}

interface Answer {
  what: string;
  status: number;
  text: string;
}

/** One call of the management API. */
export async function send(
  origin: string,
  method: 'GET' | 'POST' | 'PUT',
  path: string,
  body?: object,
): Promise<Answer> {
  const headers = { ...API_CALLER.headers, 'content-type': 'application/json' };
  const sent = body === undefined ? {} : { body: JSON.stringify(body) };
  const reply = await request(`${origin}${path}`, { method, headers, ...sent });
  return { what: `${method} ${path}`, status: reply.statusCode, text: await reply.body.text() };
}

/** The body of an answer that must be 200. */
export function read({ what, status, text }: Answer): unknown {
  if (status !== 200) throw new Error(`${what}: HTTP ${status} ${text.slice(0, 300)}`);
  return JSON.parse(text);
}
