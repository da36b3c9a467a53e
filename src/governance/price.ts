import type { ToolPrice } from '../contract/tool-price.ts';
import { scanObject } from '../lib/json-scan.ts';
import { MAX_NANOS, toNanos } from '../lib/money.ts';

const KILOBYTE = 1024;

/** What calls of one tool cost, in nano-dollars; made when the settings change. */
export interface CompiledPrice {
  /** False: `estimate` does not look at the arguments. */
  readonly isByArguments: boolean;
  /** False: `final` does not look at the size of the result. */
  readonly isByResult: boolean;
  /** What is known before the call: base and arguments. Takes the arguments as JSON, as they go to the server. */
  estimate(argumentsJson: string | Uint8Array | undefined): number;
  /** What a successful call costs. */
  final(estimate: number, resultBytes: number): number;
}

/** The price of a tool from `tool_pricing`; without an entry it is free. */
export function compilePrice(price: ToolPrice | undefined): CompiledPrice {
  if (price === undefined) return FREE;
  if (typeof price === 'number') return fixedPrice(toNanos(price));
  const base = toNanos(price.base ?? 0);
  const perArgument = new Map(
    Object.entries(price.per_argument ?? {}).map(([name, usd]) => [name, toNanos(usd)] as const),
  );
  const perArgumentKb = toNanos(price.per_argument_kb ?? 0);
  const perResultKb = toNanos(price.per_result_kb ?? 0);
  const isByArguments = perArgument.size > 0 || perArgumentKb > 0;
  return {
    isByArguments,
    isByResult: perResultKb > 0,
    estimate(argumentsJson) {
      if (!isByArguments || argumentsJson === undefined) return base;
      return cap(base + ofUnits(perArgument, argumentsJson) + ofSize(perArgumentKb, Buffer.byteLength(argumentsJson)));
    },
    final: (estimate, resultBytes) => (perResultKb === 0 ? estimate : cap(estimate + ofSize(perResultKb, resultBytes))),
  };
}

function fixedPrice(nanos: number): CompiledPrice {
  return { isByArguments: false, isByResult: false, estimate: () => nanos, final: (estimate) => estimate };
}

const FREE = fixedPrice(0);

/** Rounded up, so that a price is never lost in small pieces. */
function ofSize(perKilobyte: number, bytes: number): number {
  return perKilobyte === 0 ? 0 : Math.ceil((perKilobyte * bytes) / KILOBYTE);
}

function ofUnits(perArgument: ReadonlyMap<string, number>, argumentsJson: string | Uint8Array): number {
  if (perArgument.size === 0) return 0;
  let total = 0;
  for (const [name, units] of readUnits(perArgument, argumentsJson)) {
    total += Math.ceil((perArgument.get(name) ?? 0) * units);
  }
  return total;
}

/** The numeric arguments that have a price. What is negative, too large for a number or no number at all counts as 0. */
function readUnits(perArgument: ReadonlyMap<string, number>, argumentsJson: string | Uint8Array): Map<string, number> {
  const bytes = typeof argumentsJson === 'string' ? Buffer.from(argumentsJson) : asBuffer(argumentsJson);
  const units = new Map<string, number>();
  try {
    scanObject(bytes, (key, start, end) => {
      if (!perArgument.has(key)) return;
      const value = Number(bytes.toString('latin1', start, end));
      // Nobody knows which of two members of one name the server takes, so the dearer one counts.
      if (value > (units.get(key) ?? 0) && Number.isFinite(value)) units.set(key, value);
    });
  } catch (error) {
    // Arguments that are no object have no members.
    if (!(error instanceof SyntaxError)) throw error;
  }
  return units;
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function cap(nanos: number): number {
  return Math.min(nanos, MAX_NANOS);
}
