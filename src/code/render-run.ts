import type { ApprovalNotice } from '../contract/approval.ts';
import type { Report } from './sandbox.ts';

/** A failure as people and models read it. */
export interface RunFailure {
  readonly kind: 'compile' | 'syntax' | 'runtime';
  readonly message: string;
  readonly line: number | undefined;
  readonly hints: readonly string[];
}

/** What the text says beside the run itself. */
export interface Surroundings {
  readonly servers: readonly string[];
  readonly notes: readonly string[];
}

const NO_DATA: RunFailure = {
  kind: 'runtime',
  message: 'the code produced no data',
  line: undefined,
  hints: ['Return a value: `return result;`', 'Or print it: `console.log(result)`'],
};

/** What a run that came to its end says. Without a value and without a word it has failed. */
export function renderEnd(
  { value, size = 0, output, isCut }: Report,
  around: Surroundings,
): { text: string; isError: boolean } {
  if (value === undefined && output === '') return { text: renderFailure(NO_DATA, '', around), isError: true };
  const isShort = value !== undefined && value.length < size;
  const cut = isShort
    ? `\n(the first ${value.length} of ${size} characters: return less, or keep it in artifacts)`
    : '';
  const returned = value === undefined ? '' : `\nReturn value: ${value}${cut}`;
  const text = `${renderOutput(output, isCut)}Execution completed successfully.${returned}${renderAround(around)}`;
  return { text, isError: false };
}

/** What a run that failed says. */
export function renderFailure(
  { kind, message, line, hints }: RunFailure,
  output: string,
  around: Surroundings,
  isCut = false,
): string {
  const place = line === undefined ? '' : ` (line ${line})`;
  const help = hints.length === 0 ? '' : `\nHints:\n${hints.map((hint) => `  - ${hint}`).join('\n')}`;
  const printed = output === '' ? '' : `\n\n${renderOutput(output, isCut).trimEnd()}`;
  return `Execution ${kind} error: ${message}${place}${help}${printed}${renderAround(around)}`;
}

/** What a run says that stopped because calls of it wait for a person. */
export function renderWaiting(approvals: readonly ApprovalNotice[], continuation: string, output: string): string {
  const calls = approvals.map(
    ({ id, tool, mcp_client_name, expires_at, decide_at }) =>
      `  - "${tool}" of ${mcp_client_name}: approval ${id}, until ${expires_at}, decided at ${decide_at}`,
  );
  return [
    'Execution waits for approval. These calls have not run:',
    ...calls,
    '',
    `Once that is decided, call executeToolCode with {"continuation": "${continuation}"} and no code.`,
    'The run goes on where it stopped: what has run does not run again. A call that is denied throws.',
    ...(output === '' ? [] : ['', renderOutput(output, false).trimEnd()]),
  ].join('\n');
}

function renderOutput(output: string, isCut: boolean): string {
  if (output === '') return '';
  return `Print output:\n${output.trimEnd()}${isCut ? '\n(what followed was too long and is not shown)' : ''}\n\n`;
}

function renderAround({ servers, notes }: Surroundings): string {
  const lines = [`  Available server keys: ${servers.join(', ')}`, ...notes.map((note) => `  ${note}`)];
  return `\n\nEnvironment:\n${lines.join('\n')}`;
}
