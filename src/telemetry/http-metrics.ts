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
  /** By path, then by method and status, so that the key is short. */
  const index = new Map<string, Map<string, Series>>();

  function find({ path, method, status }: MeteredRequest): Series {
    const known = index.get(path);
    const ofPath = known ?? new Map<string, Series>();
    if (known === undefined) index.set(path, ofPath);
    const key = (METHODS.has(method) ? method : '_OTHER') + status;
    const found = ofPath.get(key);
    if (found !== undefined) return found;
    const series = {
      labels: renderLabels({ path, method: METHODS.has(method) ? method : '_OTHER', status: String(status) }),
      count: 0,
      seconds: createDistribution(SECONDS),
      requestBytes: createDistribution(BYTES),
      responseBytes: createDistribution(BYTES),
    };
    ofPath.set(key, series);
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
      const all = [...index.values()].flatMap((ofPath) => [...ofPath.values()]);
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
