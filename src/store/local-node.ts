import { randomUUID } from 'node:crypto';

/** Names this process for those of the same machine, who can tell by it whether it still runs. */
export function nameLocalNode(): string {
  return `${process.pid}-${randomUUID()}`;
}

/** Whether a process of this machine has ended. One that has its number now may pass for it for a while. */
export function isLocalNodeGone(name: string): boolean {
  try {
    process.kill(Number.parseInt(name, 10), 0); // sends nothing
    return false;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ESRCH';
  }
}
