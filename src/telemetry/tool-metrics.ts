import { setImmediate } from 'node:timers/promises';
import { ERRORS } from '../lib/errors.ts';
import type { CallEnd, CallStart } from '../store/ledger-rows.ts';
import { createDistribution, renderLabels, SECONDS, type Distribution } from './distribution.ts';
import { forgetLeaving, type IsGone, type Leaving } from './gone.ts';

/** Whom and what a tool call is counted under. */
export type MeteredCall = Pick<
  CallStart,
  | 'server_label'
  | 'client_id'
  | 'tool_name'
  | 'virtual_key_id'
  | 'virtual_key_name'
  | 'team_id'
  | 'team_name'
  | 'customer_id'
  | 'customer_name'
>;
/** How it ended. */
export type MeteredEnd = Pick<CallEnd, 'status' | 'latency' | 'cost' | 'error'>;

interface Series extends Leaving {
  readonly about: Pick<MeteredCall, 'client_id' | 'virtual_key_id'>;
  readonly labels: string;
  readonly costLabels: string;
  readonly seconds: Distribution;
  /** Nano-dollars. */
  cost: number;
}

/** What the fast way leads to: a series, as long as its owner is called what it was. */
interface Leaf {
  readonly call: MeteredCall;
  readonly series: Series;
}

type Index<T> = Map<string | undefined, T>;

const DURATION = 'bifrost_mcp_client_operation_duration_seconds';
/** Ends what tools render, so that the lines of models can follow. */
export const COST = 'bifrost_cost_total';
const HEAD = `# HELP ${DURATION} How long operations on MCP servers took.\n# TYPE ${DURATION} histogram\n`;
const COST_HEAD = `# HELP ${COST} US dollars charged.\n# TYPE ${COST} counter\n`;
/** Each is 17 lines of some 400 bytes. What comes on top is counted per server and kind of error only. */
const MAX_SERIES = 2_000;
/** Lines are written for so many series before others get a turn. */
const AT_ONCE = 100;

/** Counts tool calls. Observing costs a tenth of a microsecond: four look-ups by strings that exist already. */
export function createToolMetrics(maxSeries = MAX_SERIES) {
  /** By labels; the index is a short way to the same series. */
  const all = new Map<string, Series>();
  const index: Index<Index<Index<Index<Leaf>>>> = new Map();

  function find(call: MeteredCall, errorType: string): Series {
    // A tool that no server has is a name of the caller's invention: counted, but not by name.
    const tool = call.server_label === undefined ? '' : call.tool_name;
    const leaf = index.get(call.virtual_key_id)?.get(call.server_label)?.get(tool)?.get(errorType);
    if (leaf !== undefined && hasSameOwner(leaf.call, call)) return leaf.series;
    return add(call, tool, errorType);
  }

  function add(call: MeteredCall, tool: string, errorType: string): Series {
    const own = labelsOf(call, tool, errorType);
    const isFull = all.size >= maxSeries && !all.has(own);
    if (isFull) {
      const rest = { ...NOBODY, server_label: call.server_label, client_id: call.client_id };
      return open(labelsOf(rest, '_OTHER', errorType), rest);
    }
    const ofServer = within(within(index, call.virtual_key_id), call.server_label);
    const series = open(own, call);
    within(ofServer, tool).set(errorType, { call, series });
    return series;
  }

  function open(labels: string, { client_id, virtual_key_id }: MeteredCall): Series {
    const known = all.get(labels);
    if (known !== undefined) return known;
    const about = { client_id, virtual_key_id };
    const costLabels = labels.replace('mcp_method=', 'method=');
    const series = { about, labels, costLabels, seconds: createDistribution(SECONDS), cost: 0, isLeaving: false };
    all.set(labels, series);
    return series;
  }

  return {
    observe(call: MeteredCall, end: MeteredEnd): void {
      const series = find(call, errorTypeOf(end));
      series.seconds.observe(end.latency / 1_000);
      series.cost += end.cost;
    },
    /** Makes room: for whom there was none before, it begins anew. */
    forgetGone(isGone: IsGone): void {
      if (forgetLeaving(all, ({ about }) => isGone(about))) index.clear();
    },
    async render(): Promise<string> {
      let text = HEAD;
      let count = 0;
      for (const { labels, seconds } of all.values()) {
        if ((count += 1) % AT_ONCE === 0) await setImmediate();
        text += seconds.render(DURATION, labels);
      }
      text += COST_HEAD;
      for (const { costLabels, cost } of all.values()) if (cost > 0) text += `${COST}{${costLabels}} ${cost / 1e9}\n`;
      return text;
    },
  };
}

const NOBODY: MeteredCall = {
  server_label: undefined,
  client_id: undefined,
  tool_name: '',
  virtual_key_id: undefined,
  virtual_key_name: undefined,
  team_id: undefined,
  team_name: undefined,
  customer_id: undefined,
  customer_name: undefined,
};

function labelsOf(call: MeteredCall, tool: string, errorType: string): string {
  return renderLabels({
    mcp_client: call.server_label,
    mcp_tool_name: tool,
    mcp_method: 'tools/call',
    error_type: errorType,
    virtual_key_id: call.virtual_key_id,
    virtual_key_name: call.virtual_key_name,
    team_id: call.team_id,
    team_name: call.team_name,
    customer_id: call.customer_id,
    customer_name: call.customer_name,
  });
}

/** A key may be renamed or change its team while its id stays. */
function hasSameOwner(a: MeteredCall, b: MeteredCall): boolean {
  return (
    a.virtual_key_name === b.virtual_key_name &&
    a.team_id === b.team_id &&
    a.team_name === b.team_name &&
    a.customer_id === b.customer_id &&
    a.customer_name === b.customer_name
  );
}

/** Why a call failed, in few words: a code of ours, or one of the two that dashboards for the reference know. */
export function errorTypeOf({ status, error }: Pick<CallEnd, 'status' | 'error'>): string {
  if (status === 'success') return '';
  if (error === undefined) return '_OTHER';
  if (error.code === 'upstream_unauthorized') return 'auth_required';
  return Object.hasOwn(ERRORS, error.code) ? error.code : '_OTHER';
}

function within<T>(index: Index<Index<T>>, key: string | undefined): Index<T> {
  const known = index.get(key);
  if (known !== undefined) return known;
  const fresh: Index<T> = new Map();
  index.set(key, fresh);
  return fresh;
}
