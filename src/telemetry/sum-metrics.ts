/** Adds up what several processes count, so that one scrape tells of all of them. */
export interface MetricsSum {
  /** Adds what one process rendered, in the text format. Of one that has ended only what it has `counted` stays true. */
  add(text: string, part?: 'all' | 'counted'): void;
  /** The sum, in the text format. */
  render(): string;
}

interface Family {
  readonly head: string;
  readonly type: string;
  /** By name and labels. */
  readonly samples: Map<string, number>;
}

/** Gauges of which the highest value counts: they are the same everywhere, or tell of the process that is worst off. */
const HIGHEST =
  /^(?:asbru_servers|process_start_time_seconds|nodejs_version_info|nodejs_eventloop_lag_(?:[a-z0-9]+_)?seconds)$/;
/** Gauges of which the lowest value counts: one process has met with the failure that the others have not seen yet. */
const LOWEST = /^bifrost_provider_key_up$/;

/** Counters, histograms and most gauges are added up: calls, bytes, open files. */
export function createMetricsSum(): MetricsSum {
  const families = new Map<string, Family>();

  function open(name: string, type: string, help: string): Family {
    const known = families.get(name);
    if (known !== undefined) return known;
    const family = { head: `${help}# TYPE ${name} ${type}\n`, type, samples: new Map<string, number>() };
    families.set(name, family);
    return family;
  }

  return {
    add(text, part = 'all') {
      let help = '';
      let family: Family | undefined;
      let combine = add;
      for (const line of text.split('\n')) {
        if (line.startsWith('# HELP ')) help = `${line}\n`;
        else if (line.startsWith('# TYPE ')) {
          const [, , name = '', type = ''] = line.split(' ');
          const isWanted = part === 'all' || type !== 'gauge';
          family = isWanted ? open(name, type, help) : undefined;
          combine = HIGHEST.test(name) ? highest : LOWEST.test(name) ? lowest : add;
          help = '';
        } else if (family !== undefined && line !== '' && !line.startsWith('#')) {
          const end = line.lastIndexOf(' ');
          const sample = line.slice(0, end);
          family.samples.set(sample, combine(family.samples.get(sample), Number(line.slice(end + 1))));
        }
      }
    },
    render() {
      let text = '';
      for (const { head, samples } of families.values()) {
        text += head;
        for (const [sample, value] of samples) text += `${sample} ${value}\n`;
      }
      return text;
    },
  };
}

function add(before: number | undefined, value: number): number {
  return (before ?? 0) + value;
}

function highest(before: number | undefined, value: number): number {
  // Where nothing was measured yet it is NaN.
  return before === undefined || Number.isNaN(before) || value > before ? value : before;
}

function lowest(before: number | undefined, value: number): number {
  return Math.min(before ?? value, value);
}
