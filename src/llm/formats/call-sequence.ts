import type { JsonObject } from '../../lib/json-rpc.ts';
import { asWord, objectOf, textOf } from '../../lib/json-value.ts';

/** What becomes of the deltas of tool calls when they must be told one call after the other. */
export type CallStep =
  | { readonly kind: 'start'; readonly id: string; readonly name: string; readonly call: JsonObject }
  | { readonly kind: 'arguments'; readonly piece: string }
  | { readonly kind: 'stop'; readonly id: string; readonly name: string; readonly arguments: string };

interface Call extends NumberedCall {
  id: string | undefined;
  name: string | undefined;
  arguments: string;
  told: number;
  hasStarted: boolean;
  /** The first delta, with whatever else a provider put there. */
  readonly first: JsonObject;
}

/** A call as the deltas of a stream speak of it. */
interface NumberedCall {
  readonly index: JsonObject[string];
  readonly id: string | undefined;
}

/**
 * The call that a delta with this number and id goes on with; undefined: it begins one. Some providers give every call the index 0,
 * or none at all, and tell them apart by their ids.
 */
export function findCall<T extends NumberedCall>(
  calls: readonly T[],
  index: JsonObject[string],
  id: string | undefined,
): T | undefined {
  const known = calls.findLast((call) => call.index === index);
  return id !== undefined && known?.id !== undefined && known.id !== id
    ? calls.find((call) => call.index === index && call.id === id)
    : known;
}

/** Puts deltas of tool calls in order. */
export interface CallSequence {
  push(deltas: readonly JsonObject[]): CallStep[];
  /** Tells the rest of all calls. */
  end(): CallStep[];
}

/**
 * In chat completions the arguments of several calls may come mixed; elsewhere a call is told to its end before the next begins. So a
 * call is passed on as it comes, and one behind it waits until the arguments before it are whole. `fallbackId` names a call that came
 * without an id.
 */
export function createCallSequence(fallbackId: (index: number) => string): CallSequence {
  const calls: Call[] = [];
  let current = 0;

  function take(delta: JsonObject): void {
    const { name, arguments: piece } = objectOf(delta.function);
    const id = asWord(delta.id);
    const call = findCall(calls, delta.index, id) ?? addCall(delta);
    call.id ??= id;
    call.name ??= asWord(name);
    call.arguments += textOf(piece);
  }

  function addCall(first: JsonObject): Call {
    const call = {
      index: first.index,
      id: undefined,
      name: undefined,
      arguments: '',
      told: 0,
      hasStarted: false,
      first,
    };
    calls.push(call);
    return call;
  }

  function tell(call: Call, place: number, isLast: boolean): CallStep[] {
    const steps: CallStep[] = [];
    if (!call.hasStarted && (call.name !== undefined || isLast)) {
      call.hasStarted = true;
      call.id ??= fallbackId(place);
      steps.push({ kind: 'start', id: call.id, name: call.name ?? '', call: call.first });
    }
    if (!call.hasStarted) return steps;
    const piece = call.arguments.slice(call.told);
    call.told = call.arguments.length;
    if (piece !== '') steps.push({ kind: 'arguments', piece });
    return steps;
  }

  function stop(call: Call): CallStep[] {
    const whole = call.arguments === '' ? '{}' : call.arguments;
    const rest: CallStep[] = call.arguments === '' ? [{ kind: 'arguments', piece: whole }] : [];
    return [...rest, { kind: 'stop', id: call.id ?? '', name: call.name ?? '', arguments: whole }];
  }

  function pump(isEnd: boolean): CallStep[] {
    const steps: CallStep[] = [];
    for (let call = calls[current]; call !== undefined; call = calls[current]) {
      const isDone = isEnd || (current < calls.length - 1 && isWhole(call));
      steps.push(...tell(call, current, isDone));
      if (!isDone) break;
      steps.push(...stop(call));
      current += 1;
    }
    return steps;
  }

  return {
    push(deltas) {
      for (const delta of deltas) take(delta);
      return deltas.length === 0 ? [] : pump(false);
    },
    end: () => pump(true),
  };
}

function isWhole(call: Call): boolean {
  if (call.name === undefined) return false;
  try {
    JSON.parse(call.arguments === '' ? '{}' : call.arguments);
    return true;
  } catch {
    return false;
  }
}
