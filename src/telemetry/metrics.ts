import type { IsGone } from './gone.ts';
import { createHttpMetrics, type MeteredRequest } from './http-metrics.ts';
import type { MetricSources } from './looked-up.ts';
import { createLlmMetrics, type MeteredAnswer, type MeteredRequest as ModelRequest } from './llm-metrics.ts';
import { COST, createToolMetrics, type MeteredCall, type MeteredEnd } from './tool-metrics.ts';

/** All that Prometheus can ask for. */
export interface Metrics {
  /** A tool call has ended: takes the two rows that the ledger takes. */
  toolCall(call: MeteredCall, end: MeteredEnd): void;
  /** A request to a model has ended: takes the two rows that the ledger takes. */
  modelRequest(request: ModelRequest, end: MeteredAnswer): void;
  /** An HTTP request has begun; {@link Metrics.http} must follow. */
  httpStarted(): void;
  /** An HTTP request is over. */
  http(request: MeteredRequest): void;
  /** Lets go of what was counted of keys and servers that are gone, the second time that they are found to be. */
  forgetGone(isGone: IsGone): void;
  /** Everything in the text format. */
  render(): Promise<string>;
}

/** Media type of what {@link Metrics.render} gives. */
export const METRICS_TYPE = 'text/plain; version=0.0.4; charset=utf-8';

/** Metrics of one gateway; nothing is shared with another one in the same process. */
export function createMetrics(sources: Omit<MetricSources, 'httpInFlight'>): Metrics {
  const tools = createToolMetrics();
  const models = createLlmMetrics();
  const http = createHttpMetrics();
  let httpInFlight = 0;
  let lookedUp: Promise<{ metrics(): Promise<string> }> | undefined;

  /** Watching garbage collection and the event loop costs a little all the time, so it begins with the first scrape. */
  async function open() {
    const { createLookedUp } = await import('./looked-up.ts');
    return createLookedUp({ ...sources, httpInFlight: () => httpInFlight });
  }

  return {
    toolCall: tools.observe,
    modelRequest: models.observe,
    httpStarted() {
      httpInFlight += 1;
    },
    http(request) {
      httpInFlight -= 1;
      http.observe(request);
    },
    forgetGone(isGone) {
      tools.forgetGone(isGone);
      models.forgetGone(isGone);
    },
    async render() {
      const registry = await (lookedUp ??= open());
      const calls = `${await tools.render()}${await models.renderCost(COST)}${await models.render()}`;
      return `${calls}${http.render()}${await registry.metrics()}`;
    },
  };
}
