import { setImmediate } from 'node:timers/promises';
import type { LlmEnd, LlmStart } from '../store/ledger-rows.ts';
import { createDistribution, renderLabels, type Distribution } from './distribution.ts';
import { forgetLeaving, type IsGone, type Leaving } from './gone.ts';
import { errorTypeOf } from './tool-metrics.ts';

/** Whom and what a request to a model is counted under. */
export type MeteredRequest = Pick<
  LlmStart,
  | 'provider'
  | 'model'
  | 'object'
  | 'stream'
  | 'virtual_key_id'
  | 'virtual_key_name'
  | 'team_id'
  | 'team_name'
  | 'customer_id'
  | 'customer_name'
>;
/** How it ended. */
export type MeteredAnswer = Pick<
  LlmEnd,
  'status' | 'latency' | 'first_byte' | 'usage' | 'cost' | 'error' | 'number_of_retries'
>;

interface Series extends Leaving {
  readonly about: Pick<MeteredRequest, 'virtual_key_id'>;
  readonly labels: string;
  readonly errors: Map<string, number>;
  readonly seconds: Readonly<Record<'true' | 'false', Distribution>>;
  readonly firstToken: Distribution;
  requests: number;
  success: number;
  input: number;
  output: number;
  /** Nano-dollars. */
  cost: number;
  unpriced: number;
  retries: number;
  isStreamed: boolean;
}

/** Models take longer than tools: from 50 ms to 10 min. */
const LLM_SECONDS: readonly number[] = [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 30, 60, 120, 300, 600];
/** What comes on top is counted by provider only. */
const MAX_SERIES = 1_000;
/** Lines are written for so many series before others get a turn. */
const AT_ONCE = 50;

const COUNTERS = [
  ['bifrost_upstream_requests_total', 'Requests to models.', (series: Series) => series.requests],
  ['bifrost_success_requests_total', 'Requests to models that went well.', (series: Series) => series.success],
  ['bifrost_input_tokens_total', 'Tokens that went in, cached ones included.', (series: Series) => series.input],
  ['bifrost_output_tokens_total', 'Tokens that came out.', (series: Series) => series.output],
  ['bifrost_request_retries', 'Attempts beyond the first.', (series: Series) => series.retries],
  ['asbru_cost_unknown_requests_total', 'Requests whose cost nobody knows.', (series: Series) => series.unpriced],
] as const;
const ERRORS_TOTAL = 'bifrost_error_requests_total';
const LATENCY = 'bifrost_upstream_latency_seconds';
const FIRST_TOKEN = 'bifrost_stream_first_token_latency_seconds';

/** Counts requests to models. */
export function createLlmMetrics(maxSeries = MAX_SERIES) {
  const all = new Map<string, Series>();

  function find(request: MeteredRequest): Series {
    const id = idOf(request);
    const known = all.get(id);
    if (known !== undefined) return known;
    if (all.size < maxSeries) return open(id, request);
    // A model may be a name of the caller's invention.
    const { provider, object, stream } = request;
    const rest = { ...NOBODY, provider, object, stream, model: '_OTHER' };
    return all.get(idOf(rest)) ?? open(idOf(rest), rest);
  }

  function open(id: string, request: MeteredRequest): Series {
    const labels = labelsOf(request);
    const spread = () => createDistribution(LLM_SECONDS);
    const about = { virtual_key_id: request.virtual_key_id };
    const series: Series = {
      ...{ about, isLeaving: false },
      ...{ labels, errors: new Map(), seconds: { true: spread(), false: spread() }, firstToken: spread() },
      ...{ requests: 0, success: 0, input: 0, output: 0, cost: 0, unpriced: 0, retries: 0, isStreamed: false },
    };
    all.set(id, series);
    return series;
  }

  async function lines(render: (series: Series) => string): Promise<string> {
    let text = '';
    let count = 0;
    for (const series of all.values()) {
      if ((count += 1) % AT_ONCE === 0) await setImmediate();
      text += render(series);
    }
    return text;
  }

  return {
    observe(request: MeteredRequest, end: MeteredAnswer): void {
      const series = find(request);
      const isSuccess = end.status === 'success';
      series.requests += 1;
      series.retries += end.number_of_retries;
      series.seconds[isSuccess ? 'true' : 'false'].observe(end.latency / 1_000);
      if (isSuccess) series.success += 1;
      else series.errors.set(errorTypeOf(end), (series.errors.get(errorTypeOf(end)) ?? 0) + 1);
      series.input += end.usage?.prompt_tokens ?? 0;
      series.output += end.usage?.completion_tokens ?? 0;
      if (end.cost === undefined) series.unpriced += 1;
      else series.cost += end.cost;
      if (!request.stream || end.first_byte === undefined) return;
      series.isStreamed = true;
      series.firstToken.observe(end.first_byte / 1_000);
    },
    /** Makes room: for whom there was none before, it begins anew. */
    forgetGone: (isGone: IsGone): void => void forgetLeaving(all, ({ about }) => isGone(about)),
    /** Lines of the metric of cost, which tool calls have too. */
    renderCost: (name: string) => lines(({ labels, cost }) => (cost > 0 ? `${name}{${labels}} ${cost / 1e9}\n` : '')),
    async render(): Promise<string> {
      let text = '';
      for (const [name, help, read] of COUNTERS) {
        text += head(name, 'counter', help) + (await lines((series) => `${name}{${series.labels}} ${read(series)}\n`));
      }
      text += head(ERRORS_TOTAL, 'counter', 'Requests to models that failed.');
      text += await lines(({ labels, errors }) =>
        [...errors].map(([type, count]) => `${ERRORS_TOTAL}{${labels},error_type="${type}"} ${count}\n`).join(''),
      );
      text += head(LATENCY, 'histogram', 'How long requests to models took, their streams included.');
      text += await lines(({ labels, seconds }) =>
        (['true', 'false'] as const).map((is) => seconds[is].render(LATENCY, `${labels},is_success="${is}"`)).join(''),
      );
      text += head(FIRST_TOKEN, 'histogram', 'How long streams took to begin.');
      return text + (await lines((one) => (one.isStreamed ? one.firstToken.render(FIRST_TOKEN, one.labels) : '')));
    },
  };
}

const head = (name: string, type: string, help: string) => `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n`;

const NOBODY = {
  virtual_key_id: undefined,
  virtual_key_name: undefined,
  team_id: undefined,
  team_name: undefined,
  customer_id: undefined,
  customer_name: undefined,
};

/** What tells requests apart as their labels do, without writing those. The model comes last, for it may be any text. */
function idOf(request: MeteredRequest): string {
  const { provider, object, virtual_key_id: key = '', virtual_key_name: keyName = '', model } = request;
  const {
    team_id: team = '',
    team_name: teamName = '',
    customer_id: customer = '',
    customer_name: name = '',
  } = request;
  return `${provider}\0${object}\0${key}\0${keyName}\0${team}\0${teamName}\0${customer}\0${name}\0${model}`;
}

function labelsOf(request: MeteredRequest): string {
  return renderLabels({
    provider: request.provider,
    model: request.model,
    method: request.object,
    virtual_key_id: request.virtual_key_id,
    virtual_key_name: request.virtual_key_name,
    team_id: request.team_id,
    team_name: request.team_name,
    customer_id: request.customer_id,
    customer_name: request.customer_name,
  });
}
