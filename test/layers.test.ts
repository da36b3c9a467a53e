import { globSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { expect, test } from 'vitest';

/** Each may import from itself and from those before it. */
const LAYERS = 'contract lib store config telemetry governance mcp code llm http app cli main'.split(' ');
const IMPORT = /(?:^(?:import|export)\b[^'";]*?\bfrom\s*|^import\s*|\bimport\(\s*)'(\.[^']+)'/gm;

const src = join(import.meta.dirname, '..', 'src');
const imports = globSync('**/*.ts', { cwd: src })
  .filter((file) => !file.endsWith('.test.ts'))
  .flatMap((file) => {
    const targets = [...readFileSync(join(src, file), 'utf8').matchAll(IMPORT)].map(([, target]) => target ?? '');
    return targets.map((target) => ({ file, target: relative(src, join(src, dirname(file), target)) }));
  });

test('dependencies point one way', () => {
  const wrong = imports.filter(({ file, target }) => layerOf(target) > layerOf(file) || layerOf(target) === -1);
  expect(wrong).toEqual([]);
  expect(imports.map(({ file }) => file).filter((file) => layerOf(file) === -1)).toEqual([]);
});

test('no file imports itself in a circle, not even its types', () => {
  const targetsOf = Map.groupBy(imports, ({ file }) => file);
  const done = new Set<string>();
  const circleFrom = (file: string, path: readonly string[]): readonly string[] | undefined => {
    if (path.includes(file)) return [...path.slice(path.indexOf(file)), file];
    if (done.has(file)) return undefined;
    for (const { target } of targetsOf.get(file) ?? []) {
      const circle = circleFrom(target, [...path, file]);
      if (circle !== undefined) return circle;
    }
    done.add(file);
    return undefined;
  };
  for (const file of targetsOf.keys()) expect(circleFrom(file, [])?.join(' → ')).toBeUndefined();
});

test('contract imports nothing but itself and zod, so that a browser can', () => {
  for (const file of globSync('contract/*.ts', { cwd: src })) {
    const packages = [...readFileSync(join(src, file), 'utf8').matchAll(/from '([^'.][^']*)'/g)].map(
      ([, name]) => name,
    );
    expect([...new Set(packages)], file).toEqual(['zod']);
  }
});

test('the imports are really seen', () => {
  // Without this, a change of quotes would make the rule above pass on an empty list.
  expect(imports.length).toBeGreaterThan(50);
  expect(imports).toContainEqual({ file: join('http', 'identify.ts'), target: join('lib', 'errors.ts') });
  expect(imports).toContainEqual({ file: 'main.ts', target: 'app.ts' });
  expect(imports).toContainEqual({ file: join('http', 'api.ts'), target: join('http', 'openapi.ts') });
});

/** The place of a file in the order: by its folder, or by its own name at the top. */
function layerOf(file: string): number {
  return LAYERS.indexOf(file.split(/[/\\.]/)[0] ?? '');
}
