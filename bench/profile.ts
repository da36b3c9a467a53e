import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

interface CpuProfile {
  nodes: { id: number; callFrame: { functionName: string; url: string; lineNumber: number } }[];
  samples: number[];
  timeDeltas: number[];
}

const root = path.join(fileURLToPath(import.meta.url), '../..');

/** The functions in which a profiled process spent most time of their own, one line each. */
export async function listTopFunctions(file: string, limit: number): Promise<string[]> {
  const profile = JSON.parse(await readFile(file, 'utf8')) as CpuProfile;
  const names = new Map(profile.nodes.map((node) => [node.id, nameOf(node.callFrame)]));
  const micros = new Map<string, number>();
  let total = 0;
  for (const [index, id] of profile.samples.entries()) {
    const name = names.get(id) ?? '?';
    if (name === '(idle)') continue;
    const spent = profile.timeDeltas[index] ?? 0;
    total += spent;
    micros.set(name, (micros.get(name) ?? 0) + spent);
  }
  const top = [...micros].toSorted((a, b) => b[1] - a[1]).slice(0, limit);
  return top.map(
    ([name, spent]) =>
      `${((spent / total) * 100).toFixed(1).padStart(5)} %  ${(spent / 1000).toFixed(0).padStart(6)} ms  ${name}`,
  );
}

function nameOf({ functionName, url, lineNumber }: CpuProfile['nodes'][number]['callFrame']): string {
  const name = functionName === '' ? '(anonymous)' : functionName;
  if (url === '') return name;
  const file = url.startsWith('file:') ? path.relative(root, fileURLToPath(url)) : url;
  // The repository's packages may be linked from elsewhere; what counts is the name after the last node_modules.
  return `${name}  ${file.replace(/^.*node_modules\//, '')}:${lineNumber + 1}`;
}
