import type { OnExportError, Tracing } from './spans.ts';
import type { TracingOptions } from './tracing-options.ts';

function refuse(): never {
  throw new Error('tracing is off');
}

const OFF: Tracing = Object.freeze({
  isOn: false,
  startToolCall: refuse,
  startModelRequest: refuse,
  close: () => Promise.resolve(),
});

/** Traces by these options; the SDK, which takes long to load, is loaded only if there are any. */
export async function createTracing(
  options: TracingOptions | undefined,
  onExportError: OnExportError,
): Promise<Tracing> {
  if (options === undefined) return OFF;
  const { openTracing } = await import('./open-tracing.ts');
  return openTracing(options, onExportError);
}
