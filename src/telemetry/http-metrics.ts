import { BYTES, createDistribution, renderLabels, SECONDS, type Distribution } from './distribution.ts';

/** One HTTP request that is over. */
export interface MeteredRequest {
  /** The template of the route, never the path itself: there are too many. */
  readonly path: string;
  readonly method: string;
  readonly status: number;
  readonly seconds: number;
  readonly requestBytes: number;
  readonly responseBytes: number;
}

interface Series {
  readonly labels: string;
  count: number;
  readonly seconds: Distribution;
  readonly requestBytes: Distribution;
  readonly responseBytes: Distribution;
}

const HISTOGRAMS = {
  seconds: ['http_request_duration_seconds', 'How long HTTP requests took; an event stream counts until it ends.'],
  requestBytes: ['http_request_size_bytes', 'Size of request bodies, by their Content-Length.'],
  responseBytes: ['http_response_size_bytes', 'Bytes sent in answer, headers and framing included.'],
} as const;
const REQUESTS = 'http_requests_total';
const METHODS = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']);

/** Counts HTTP requests. There are as many series as routes, methods and statuses, whatever callers send. */
export function createHttpMetrics() {
  /** By path, method and status: three look-ups by what is there already are cheaper than one by a text that is made for it. */
  const index = new Map<string, Map<string, Map<number, Series>>>();

  function find({ path, method: sent, status }: MeteredRequest): Series {
    const method = METHODS.has(sent) ? sent : '_OTHER';
    const found = index.get(path)?.get(method)?.get(status);
    if (found !== undefined) return found;
    const series = {
      labels: renderLabels({ path, method, status: String(status) }),
      count: 0,
      seconds: createDistribution(SECONDS),
      requestBytes: createDistribution(BYTES),
      responseBytes: createDistribution(BYTES),
    };
    const ofPath = index.get(path) ?? new Map<string, Map<number, Series>>();
    const ofMethod = ofPath.get(method) ?? new Map<number, Series>();
    index.set(path, ofPath.set(method, ofMethod.set(status, series)));
    return series;
  }

  return {
    observe(request: MeteredRequest): void {
      const series = find(request);
      series.count += 1;
      series.seconds.observe(request.seconds);
      series.requestBytes.observe(request.requestBytes);
      series.responseBytes.observe(request.responseBytes);
    },
    render(): string {
      const all = [...index.values()].flatMap((ofPath) => [...ofPath.values()].flatMap((each) => [...each.values()]));
      let text = `# HELP ${REQUESTS} HTTP requests answered.\n# TYPE ${REQUESTS} counter\n`;
      for (const { labels, count } of all) text += `${REQUESTS}{${labels}} ${count}\n`;
      for (const key of ['seconds', 'requestBytes', 'responseBytes'] as const) {
        const [name, help] = HISTOGRAMS[key];
        text += `# HELP ${name} ${help}\n# TYPE ${name} histogram\n`;
        for (const series of all) text += series[key].render(name, series.labels);
      }
      return text;
    },
  };
}
