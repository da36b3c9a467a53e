import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { Job, Sample } from './bystander.ts';

/** Those whom a fault is none of the business of: see bystander.ts. */
export interface Others extends AsyncDisposable {
  /** Of their server. */
  readonly url: string;
  measure(job: Job): Promise<Sample>;
}

/** Starts them, in a process of their own, so that what this one does for a fault does not slow them down. */
export async function startOthers(): Promise<Others> {
  const child = fork(fileURLToPath(new URL('bystander.ts', import.meta.url)));
  const [{ url }] = (await once(child, 'message')) as [{ url: string }];
  return {
    url,
    async measure(job) {
      child.send(job);
      const [sample] = (await once(child, 'message')) as [Sample];
      return sample;
    },
    async [Symbol.asyncDispose]() {
      const ended = once(child, 'exit');
      child.disconnect();
      await ended;
    },
  };
}
