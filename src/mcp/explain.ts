import type { Explanation, Verdict } from '../contract/explain.ts';
import { grantOf, includesTool, type ToolFilter } from '../governance/access.ts';
import type { KeyPolicy } from '../governance/caller.ts';
import { demandUsable } from '../governance/policy.ts';
import type { Spend } from '../governance/spend.ts';
import { GatewayError, messageOf } from '../lib/errors.ts';
import { toUsd } from '../lib/money.ts';
import { admits } from '../lib/tool-names.ts';
import type { Catalog } from './catalog.ts';
import type { NamedTool } from './view.ts';

/** What to explain: one tool for one caller. */
export interface Question {
  readonly tool: string;
  /** Undefined: an operator. */
  readonly key: KeyPolicy | undefined;
  readonly filter: ToolFilter | undefined;
}

interface ExplainDeps {
  readonly catalog: Pick<Catalog, 'findTool' | 'view'>;
  readonly spend: Pick<Spend, 'peek'>;
}

/** Says which rule shows, hides, denies or prices a tool for a caller. Nothing is called and nothing is spent. */
export function createExplain({ catalog, spend }: ExplainDeps): (question: Question) => Explanation {
  return ({ tool: name, key, filter }) => {
    const tool = catalog.findTool(name);
    const verdicts: Verdict[] = [...judgeKey(key)];
    if (tool === undefined) {
      verdicts.push({ rule: 'tool', effect: 'hides', message: `no registered server offers a tool "${name}"` });
    } else {
      verdicts.push(...judgeServer(tool), ...judgeGrant(tool, key), ...judgeFilter(tool, filter));
      verdicts.push(...judgeApproval(tool), ...judgeLimits(key, spend), judgePrice(tool));
    }
    const isVisible = catalog.view({ profile: undefined, virtualKey: key?.id, filter }).tools.has(name);
    return {
      tool: name,
      mcp_client_name: tool?.upstream.client.name ?? null,
      virtual_key: key === undefined ? null : { id: key.id, name: key.name },
      is_visible: isVisible,
      is_callable: isVisible && !verdicts.some(({ effect }) => effect === 'denies'),
      price: tool === undefined ? 0 : toUsd(tool.price.estimate(undefined)),
      verdicts,
    };
  };
}

function judgeKey(key: KeyPolicy | undefined): Verdict[] {
  if (key === undefined)
    return [{ rule: 'caller', effect: 'allows', message: 'an operator has no restriction of a virtual key' }];
  try {
    demandUsable(key);
    return [{ rule: 'virtual_key', effect: 'allows', message: `the virtual key "${key.name}" is active` }];
  } catch (error) {
    if (!(error instanceof GatewayError)) throw error;
    return [{ rule: 'virtual_key', effect: 'denies', message: messageOf(error) }];
  }
}

function judgeServer({ upstream, own }: NamedTool): Verdict[] {
  const { client, state, lastFailure } = upstream;
  const rule = 'tools_to_execute';
  const listed = admits(client.tools_to_execute, own);
  const words = JSON.stringify(client.tools_to_execute);
  const verdicts: Verdict[] = [
    listed
      ? { rule, effect: 'shows', message: `tools_to_execute of ${client.name} admits "${own}": ${words}` }
      : { rule, effect: 'hides', message: `tools_to_execute of ${client.name} does not name "${own}": ${words}` },
  ];
  if (client.disabled) verdicts.push({ rule: 'disabled', effect: 'hides', message: `${client.name} is disabled` });
  else if (state !== 'connected') {
    const why = lastFailure === undefined ? '' : ` (${lastFailure.message})`;
    const message = `${client.name} is ${state}${why}: a call fails unless the connection comes back while it waits`;
    verdicts.push({ rule: 'state', effect: 'denies', message });
  }
  return verdicts;
}

function judgeGrant({ upstream, own }: NamedTool, key: KeyPolicy | undefined): Verdict[] {
  if (key === undefined) return [];
  const { client, grants } = upstream;
  const row = grants.get(key.id);
  const isGranted = admits(grantOf(upstream, key.id), own);
  const effect = isGranted ? 'shows' : 'hides';
  if (row === undefined) {
    const message = client.allow_on_all_virtual_keys
      ? `${client.name} is open to all virtual keys, and "${key.name}" has no entry of its own`
      : `"${key.name}" has no entry for ${client.name}, which is not open to all virtual keys`;
    return [{ rule: 'allow_on_all_virtual_keys', effect, message }];
  }
  const list = JSON.stringify(row);
  const wins = client.allow_on_all_virtual_keys ? `; it wins over allow_on_all_virtual_keys` : '';
  const message = `the entry of "${key.name}" for ${client.name} ${isGranted ? 'grants' : 'does not grant'} "${own}": ${list}${wins}`;
  return [{ rule: 'virtual_key_grant', effect, message }];
}

function judgeFilter(tool: NamedTool, filter: ToolFilter | undefined): Verdict[] {
  if (filter === undefined) return [];
  const isIncluded = includesTool(filter, tool.upstream.client.name, tool);
  const message = `the include headers of the request ${isIncluded ? 'let it through' : 'leave it out'}`;
  return [{ rule: 'request_filter', effect: isIncluded ? 'shows' : 'hides', message }];
}

function judgeApproval({ upstream: { client }, own }: NamedTool): Verdict[] {
  if (!admits(client.tools_to_approve, own)) return [];
  const who = client.approval_by === 'caller' ? "or the caller's own user " : '';
  const message = `tools_to_approve of ${client.name} admits "${own}": each call waits until somebody who manages the gateway ${who}approves it`;
  return [{ rule: 'tools_to_approve', effect: 'waits', message }];
}

function judgeLimits(key: KeyPolicy | undefined, spend: Pick<Spend, 'peek'>): Verdict[] {
  return spend.peek(key?.limits).map(({ kind, name, what, used, pending, max, window_end, isExhausted }) => {
    const show = (amount: number): string => (what === 'budget' ? `$${toUsd(amount)}` : `${amount} ${what}`);
    const until = new Date(window_end).toISOString();
    const waiting = pending > 0 ? `, ${show(pending)} reserved by calls in flight` : '';
    const message = `${kind} "${name}": ${show(used)} of ${show(max)} used until ${until}${waiting}`;
    return { rule: what === 'budget' ? 'budget' : 'rate_limit', effect: isExhausted ? 'denies' : 'allows', message };
  });
}

function judgePrice({ upstream, own, price }: NamedTool): Verdict {
  const known = Object.hasOwn(upstream.client.tool_pricing, own);
  const parts = [price.isByArguments && 'its arguments', price.isByResult && 'the size of its result'].filter(Boolean);
  const more = parts.length === 0 ? '' : `, and more by ${parts.join(' and ')}`;
  const message = known
    ? `a successful call costs $${toUsd(price.estimate(undefined))}${more}; a failed one nothing`
    : `tool_pricing of ${upstream.client.name} has no entry for "${own}": it is free`;
  return { rule: 'tool_pricing', effect: 'prices', message };
}
