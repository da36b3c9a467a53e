/** Timing of a gateway under test: a minute of configuration takes 50 ms, health is probed every 30 ms. */
export const fastTiming = { healthIntervalMs: 30, minuteMs: 50, backOff: () => 30 };
