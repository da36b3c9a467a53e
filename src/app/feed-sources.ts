import type { Policy } from '../governance/policy.ts';
import { renderRequest, type IsGone } from '../http/api/llm-log-view.ts';
import { renderCall } from '../http/api/mcp-log-view.ts';
import { PREVIEW } from '../http/api/mcp-logs.ts';
import type { FeedSource } from '../http/live-feed.ts';
import type { Ledger } from '../telemetry/ledger.ts';

/** Whether what a log row speaks of is there no more. */
export const isGoneFrom =
  (policy: Policy): IsGone =>
  (kind, id) =>
    kind === 'virtual_key' && policy.find(id) === undefined;

/** What the live feed tells of. */
export function feedSources(ledger: Ledger, isGone: IsGone): FeedSource[] {
  return [
    {
      type: 'mcp_log',
      subscribe: (listener) =>
        ledger.onRow((start, end) => listener(operationOf(end), () => renderCall(start, end, PREVIEW))),
    },
    {
      type: 'log',
      subscribe: (listener) =>
        ledger.onLlmRow((start, end) => listener(operationOf(end), () => renderRequest(start, end, isGone))),
    },
  ];
}

const operationOf = (end: object | undefined) => (end === undefined ? 'create' : 'update');
