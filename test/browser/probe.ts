/** How frames came while something happened. */
export interface Frames {
  readonly frames: number;
  readonly seconds: number;
  /** Frames of 1/60 s that are missing. */
  readonly dropped: number;
  /** Milliseconds between two frames, at most. */
  readonly gap: number;
  /** The longest task over 50 ms, or 0. */
  readonly longest: number;
}

/**
 * Runs in the page, before anything else. `firstRow` gives when the first row of a table was painted, `start` and `stop` watch the
 * frames, `shown` gives how long after the last key or press the last change of the page was painted.
 */
export const PROBE = `globalThis.probe = (() => {
  let pressedAt = 0, changedAt = 0, paintedAt = 0, isWatching = false, times = [], longest = 0;
  const firstRow = Promise.withResolvers();
  const onPaint = (act) => requestAnimationFrame(() => { const now = performance.now(); act(now); });
  new MutationObserver(() => {
    changedAt = performance.now();
    onPaint((now) => { paintedAt = now; });
    if (document.querySelector('[data-row]') !== null) onPaint((now) => firstRow.resolve(now));
  }).observe(document, { subtree: true, childList: true, characterData: true, attributes: true });
  for (const type of ['keydown', 'pointerdown'])
    addEventListener(type, (event) => { pressedAt = event.timeStamp; changedAt = paintedAt = 0; }, { capture: true });
  new PerformanceObserver((list) => {
    for (const { duration } of list.getEntries()) longest = Math.max(longest, duration);
  }).observe({ type: 'longtask' });
  const watch = (now) => { if (isWatching) { times.push(now); requestAnimationFrame(watch); } };
  const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
  return {
    firstRow: () => firstRow.promise,
    start() { times = []; longest = 0; isWatching = true; requestAnimationFrame(watch); },
    async stop() {
      await pause(100);
      isWatching = false;
      const gaps = times.slice(1).map((time, at) => time - times[at]);
      return {
        frames: gaps.length,
        seconds: (times.at(-1) - times[0]) / 1000,
        dropped: gaps.reduce((sum, gap) => sum + Math.max(0, Math.round(gap * 60 / 1000) - 1), 0),
        gap: Math.max(...gaps),
        longest,
      };
    },
    async shown() {
      do await pause(50);
      while (performance.now() - Math.max(changedAt, pressedAt) < 200);
      return Math.max(0, paintedAt - pressedAt);
    },
  };
})();`;
