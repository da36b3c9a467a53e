import { useEffect, useRef } from 'react';
import UPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';

/** One line or row of bars of a plot. */
export interface Series {
  readonly label: string;
  readonly values: readonly (number | null)[];
  readonly tone: 'accent' | 'good' | 'warn' | 'bad' | 'muted';
  readonly isBars?: boolean;
}

interface PlotProps {
  /** What it shows, in a sentence with the numbers that matter: a canvas says nothing to a screen reader. */
  readonly summary: string;
  /** Seconds since 1970, ascending. */
  readonly times: readonly number[];
  readonly series: readonly Series[];
  /** Dragging over the plot picks a time, in seconds. */
  readonly onPick?: (from: number, to: number) => void;
  readonly unit?: (value: number) => string;
  readonly height?: number;
}

const SYNC = 'time';

/** Numbers over time. Plots on one page share their cursor; dragging zooms. Import it lazily: it is 21 KB. */
export function Plot({ summary, times, series, onPick, unit = String, height = 180 }: PlotProps) {
  const frame = useRef<HTMLDivElement>(null);
  // The plot keeps its callbacks; they must see the current ones.
  const latest = useRef({ onPick, unit });
  latest.current = { onPick, unit };
  // Equal numbers are no reason to draw anew: somebody may be dragging.
  const content = JSON.stringify({ times, series });
  useEffect(() => {
    const element = frame.current;
    if (element === null) return undefined;
    let plot: UPlot | undefined;
    const shown = JSON.parse(content) as Pick<PlotProps, 'times' | 'series'>; // written above
    const draw = (): void => {
      plot?.destroy();
      plot = new UPlot(optionsOf(element, shown.series, height, latest), dataOf(shown.times, shown.series), element);
    };
    draw();
    const resized = new ResizeObserver(() => plot?.setSize({ width: element.clientWidth, height }));
    resized.observe(element);
    // A canvas knows no CSS variables: another theme is another drawing.
    const themed = new MutationObserver(draw);
    themed.observe(document.documentElement, { attributeFilter: ['data-theme'] });
    return () => {
      resized.disconnect();
      themed.disconnect();
      plot?.destroy();
    };
  }, [content, height]);
  return <div ref={frame} role="img" aria-label={summary} style={{ minHeight: height }} className="w-full" />;
}

interface Callbacks {
  readonly current: {
    readonly onPick: PlotProps['onPick'] | undefined;
    readonly unit: (value: number) => string;
  };
}

function optionsOf(element: HTMLElement, series: readonly Series[], height: number, latest: Callbacks): UPlot.Options {
  const style = getComputedStyle(element);
  const colour = (name: string): string => style.getPropertyValue(`--${name}`).trim();
  const axis = { stroke: colour('muted'), grid: { stroke: colour('line'), width: 1 }, ticks: { show: false } };
  return {
    width: element.clientWidth,
    height,
    cursor: { sync: { key: SYNC }, drag: { x: true, y: false, setScale: false } },
    axes: [axis, { ...axis, size: 56, values: (_, values) => values.map((value) => latest.current.unit(value)) }],
    scales: { y: { range: (_, _min, max) => [0, max > 0 ? max * 1.1 : 1] } },
    series: [{}, ...series.map((one) => lineOf(one, colour(one.tone), latest))],
    hooks: {
      setSelect: [
        (plot) => {
          const { left, width } = plot.select;
          if (width > 4) latest.current.onPick?.(plot.posToVal(left, 'x'), plot.posToVal(left + width, 'x'));
          plot.setSelect({ left: 0, width: 0, top: 0, height: 0 }, false);
        },
      ],
    },
  };
}

function lineOf({ label, isBars = false }: Series, colour: string, latest: Callbacks): UPlot.Series {
  const bars = isBars ? UPlot.paths.bars?.({ size: [0.7, 40] }) : undefined;
  return {
    label,
    stroke: colour,
    width: isBars ? 0 : 1.5,
    value: (_, value) => (value === null || value === undefined ? '–' : latest.current.unit(value)),
    // A line through one value alone would not show.
    points: { show: !isBars, size: 4, fill: colour },
    ...(isBars ? { fill: colour } : {}),
    ...(bars === undefined ? {} : { paths: bars }),
  };
}

function dataOf(times: readonly number[], series: readonly Series[]): UPlot.AlignedData {
  return [[...times], ...series.map(({ values }) => [...values])];
}
