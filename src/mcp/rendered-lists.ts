import type { Era } from './revisions.ts';
import type { Lists, View } from './view.ts';

/** What is kept of one list of one view. */
interface Kept {
  readonly stale: string;
  readonly bytes: Buffer;
}

/** Keeps answers to list requests. Thousands of keys may each see another list, so all together take only so much memory. */
export interface RenderedLists {
  /** The answer that is kept, or the one made now. Made anew when other servers are out of reach than before. */
  get(view: View, kind: keyof Lists, era: Era, render: (stale: readonly string[]) => Buffer): Buffer;
}

const MAX_BYTES = 64 * 1024 * 1024;

export function createRenderedLists(maxBytes = MAX_BYTES): RenderedLists {
  let ofViews = new WeakMap<View, Map<string, Kept>>();
  let size = 0;

  function keep(view: View, key: string, kept: Kept): void {
    size += kept.bytes.length;
    if (size > maxBytes) {
      ofViews = new WeakMap();
      size = kept.bytes.length;
    }
    const lists = ofViews.get(view) ?? new Map<string, Kept>();
    ofViews.set(view, lists.set(key, kept));
  }

  return {
    get(view, kind, era, render) {
      const { stale } = view;
      const [key, gone] = [`${era} ${kind}`, stale.join('\n')];
      const known = ofViews.get(view)?.get(key);
      if (known?.stale === gone) return known.bytes;
      const bytes = render(stale);
      keep(view, key, { stale: gone, bytes });
      return bytes;
    },
  };
}
