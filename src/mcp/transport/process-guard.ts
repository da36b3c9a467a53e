import { spawn, type ChildProcess } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import type { Socket } from 'node:net';
import { MARK_VARIABLE } from './process-mark.ts';

/** Ends process groups that would outlive the gateway if it is killed without a chance to clean up. */
export interface ProcessGuard {
  /** What the marks of the processes begin with that it guards; see process-mark.ts. */
  readonly family: string;
  /** Puts a process group under guard; `pid` is its leader. */
  watch(pid: number): void;
  /** The group has ended: its number may soon belong to somebody else. */
  forget(pid: number): void;
  /** Ends the guard, and with it every group that is still watched. */
  close(): void;
}

interface GuardOptions {
  /** Told when the helper cannot be started: the gateway works without it. */
  readonly warn: (message: string) => void;
  readonly shell?: string;
}

/**
 * A shell, because it is about 1 MB and everywhere. Its stdin is a pipe from the gateway, which the kernel closes however the
 * gateway ends; the groups that are listed then, and whatever carries a mark of this gateway, get TERM and, as long as any is left, KILL two seconds later.
 */
const SCRIPT = `
trap '' HUP INT TERM
groups=' '
while read -r line; do
  group=\${line#?}
  case $groups in
    *" $group "*) groups="\${groups%%" $group "*} \${groups#*" $group "}" ;;
  esac
  case $line in
    +*) groups="$groups$group " ;;
  esac
done
family=$1
signal() {
  left=
  for group in $groups; do
    kill -s "$1" -- "-$group" 2>/dev/null && left=yes
  done
  for file in $(grep -ls "${MARK_VARIABLE}=$family/" /proc/[0-9]*/environ 2>/dev/null); do
    pid=\${file#/proc/}
    kill -s "$1" "\${pid%/environ}" 2>/dev/null && left=yes
  done
}
signal TERM
for second in 1 2; do
  [ "$left" ] || exit 0
  sleep 1
  signal 0
done
signal KILL
`;

/** Starts one helper process with the first group that is watched, for all of them. */
export function createProcessGuard({ warn, shell = '/bin/sh' }: GuardOptions): ProcessGuard {
  const family = randomUUID();
  const watched = new Set<number>();
  let helper: ChildProcess | undefined;
  let isOff = false;

  function start(): void {
    // A group of its own, so that Ctrl-C in a terminal reaches the gateway alone.
    const child = spawn(shell, ['-c', SCRIPT, 'asbru-guard', family], {
      detached: true,
      stdio: ['pipe', 'ignore', 'ignore'],
      cwd: '/',
    });
    helper = child;
    child.on('error', (error) => {
      isOff = true;
      warn(`child processes are not guarded against a sudden end of the gateway: ${error.message}`);
    });
    // Ended by somebody else: the next group to be watched brings a new helper, which is told all of them.
    child.on('exit', () => (helper = undefined));
    child.stdin?.on('error', () => {});
    child.unref();
    (child.stdin as Socket | null)?.unref();
    child.stdin?.write([...watched].map((pid) => `+${pid}\n`).join(''));
  }

  return {
    family,
    watch(pid) {
      watched.add(pid);
      if (isOff) return;
      if (helper === undefined) start();
      else helper.stdin?.write(`+${pid}\n`);
    },
    forget(pid) {
      if (watched.delete(pid)) helper?.stdin?.write(`-${pid}\n`);
    },
    close() {
      isOff = true;
      helper?.stdin?.end();
    },
  };
}
