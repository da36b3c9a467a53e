import { hasHash, modelToolName } from '../lib/tool-names.ts';
import type { View } from './view.ts';

/** A view is replaced, never changed. */
const known = new WeakMap<View, ReadonlyMap<string, string>>();

/** The name of a tool as clients see it, also where it is called by the name that models know it by. */
export function publicNameOf(view: View, name: string): string {
  if (view.tools.has(name) || !hasHash(name)) return name;
  let names = known.get(view);
  if (names === undefined) {
    const all = [...view.tools.keys()].map((one) => [modelToolName(one), one] as const);
    known.set(view, (names = new Map(all.filter(([model, one]) => model !== one))));
  }
  return names.get(name) ?? name;
}
