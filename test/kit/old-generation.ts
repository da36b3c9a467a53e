import v8 from 'node:v8';
import vm from 'node:vm';

const TIMES = 20_000;
const EACH_COLLECTION = 500;

/**
 * Bytes by which the old generation grows while something is done many times, with small collections in between. What is no longer
 * used must not get there; each time `use` gets 1 KB to hold on to.
 */
export function growthOf(use: (ballast: number[], index: number) => void): number {
  v8.setFlagsFromString('--expose-gc');
  const collect = vm.runInNewContext('gc') as (options: { type: 'minor' | 'major' }) => void;
  collect({ type: 'major' });
  const before = oldBytes();
  for (let index = 0; index < TIMES; index += 1) {
    use(new Array<number>(128).fill(index), index);
    if (index % EACH_COLLECTION === 0) collect({ type: 'minor' });
  }
  return oldBytes() - before;
}

function oldBytes(): number {
  return v8.getHeapSpaceStatistics().find(({ space_name }) => space_name === 'old_space')?.space_used_size ?? 0;
}
