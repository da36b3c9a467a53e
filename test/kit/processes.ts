import { readdir, readFile } from 'node:fs/promises';

/** A running process. */
export interface RunningProcess {
  readonly pid: number;
  readonly command: string;
}

/** The direct children of a process that still run, read from /proc. */
export function childrenOf(parent: number): Promise<RunningProcess[]> {
  return find(({ ppid }) => ppid === parent);
}

/** The processes that have this in their command line. */
export function processesWith(text: string): Promise<RunningProcess[]> {
  return find(({ command }) => command.includes(text));
}

async function find(isWanted: (found: RunningProcess & { ppid: number }) => boolean): Promise<RunningProcess[]> {
  const found: RunningProcess[] = [];
  for (const name of await readdir('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    try {
      const stat = await readFile(`/proc/${name}/stat`, 'utf8');
      // "pid (name) state ppid ...", where the name may contain spaces and brackets.
      const [state, ppid] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      if (state === 'Z') continue;
      const command = (await readFile(`/proc/${name}/cmdline`, 'utf8')).replaceAll('\0', ' ');
      if (isWanted({ pid: Number(name), ppid: Number(ppid), command })) found.push({ pid: Number(name), command });
    } catch {
      // It ended while we looked.
    }
  }
  return found;
}

/** True while the process runs. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
