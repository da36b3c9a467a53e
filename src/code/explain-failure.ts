import { lineIn } from './guest.ts';
import type { Library } from './library.ts';
import type { RunFailure } from './render-run.ts';
import type { Outcome, Report } from './sandbox.ts';
import type { RunLimits } from './sandbox-messages.ts';

/** Says why a run failed and what to do, from what the code itself could not catch. */
export function explainOutcome(
  { kind, message, line }: Extract<Outcome, { status: 'failed' }>,
  { timeoutMs, memoryBytes, calls }: RunLimits,
): RunFailure {
  switch (kind) {
    case 'syntax':
    case 'compile':
      return { kind, message, line, hints: hintsForSyntax(message) };
    case 'timeout':
      return {
        ...{ kind: 'runtime', line },
        message: `the run took more than ${timeoutMs / 1000} seconds, or computed more than a run may`,
        hints: [
          'Do less in one run, and keep what is done in artifacts',
          'Make independent calls at once: Promise.all',
        ],
      };
    case 'memory':
      return {
        ...{ kind: 'runtime', line },
        message: `the run needed more than ${Math.round(memoryBytes / 1024 ** 2)} MB of memory`,
        hints: ['Work on smaller parts, and keep only what is needed'],
      };
    case 'calls':
      return {
        ...{ kind: 'runtime', line },
        message: `the run went on making calls after the ${calls} that it may make`,
        hints: ['Do less in one run, and keep what is done in artifacts'],
      };
    case 'cancelled':
    case 'runtime':
      return { kind: 'runtime', message, line, hints: [] };
  }
}

/** The same for an error that the code threw, or did not catch. */
export function explainError(error: NonNullable<Report['error']>, library: Library, limits: RunLimits): RunFailure {
  const { name = 'Error', message = '', stack, code } = error;
  const line = lineIn(stack, true);
  if (name === 'InternalError' && message.includes('memory'))
    return explainOutcome({ status: 'failed', kind: 'memory', message, line }, limits);
  const unknown = name === 'ReferenceError' ? /^'?([\w$]+)'? is not defined/.exec(message)?.[1] : undefined;
  const text = name === 'Error' ? message : `${name}: ${message}`;
  return {
    kind: 'runtime',
    message: code === undefined ? text : `${text} [${code}]`,
    line,
    hints: unknown === undefined ? [] : [hintForName(unknown, library)],
  };
}

function hintForName(name: string, library: Library): string {
  if (/^(?:require|process|fetch|setTimeout|setInterval|Buffer|URL|fs|window)$/.test(name))
    return `There is no ${name} here: code has the language itself, console, artifacts and the servers`;
  const { found, ...rest } = library.findServer(name);
  if (found !== undefined) return `The server is called ${found.identifier}`;
  return 'message' in rest ? rest.message : '';
}

function hintsForSyntax(message: string): string[] {
  if (message.includes('strip-only mode'))
    return ['Only types that can be left out work: no enum, namespace or parameter property'];
  if (/import|export/i.test(message)) return ['There are no modules: servers are variables already'];
  return [];
}
