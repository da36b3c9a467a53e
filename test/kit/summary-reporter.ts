import type { SerializedError } from 'vitest';
import type { Reporter, TestModule } from 'vitest/node';

/** Ends a run with the one line that a script can read, `N passed, N failed, N skipped`; before it, what passed only when repeated. */
export default class SummaryReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], unhandledErrors: readonly unknown[]): void {
    const repeated: string[] = [];
    const count = { passed: 0, failed: unhandledErrors.length, skipped: 0, pending: 0 };
    for (const module of modules) {
      if (module.errors().length > 0) count.failed += 1;
      for (const test of module.children.allTests()) {
        count[test.result().state] += 1;
        if (test.diagnostic()?.flaky !== true) continue;
        const [error] = test.result().errors ?? [];
        repeated.push(`${module.relativeModuleId} > ${test.fullName}: ${reasonOf(error)}`);
      }
    }
    // After the default reporter's own summary, which is written in the same hook.
    process.once('exit', () => {
      for (const name of repeated) console.log(`passed only when repeated: ${name}`);
      console.log(`${count.passed} passed, ${count.failed} failed, ${count.skipped + count.pending} skipped`);
    });
  }
}

/** What went wrong, and why: a property names only the case, and has what it met with as its cause. */
function reasonOf(error: SerializedError | undefined): string {
  if (error === undefined) return '';
  const because = error.cause;
  return because === undefined ? error.message : `${error.message}\nbecause: ${because.stack ?? because.message}`;
}
