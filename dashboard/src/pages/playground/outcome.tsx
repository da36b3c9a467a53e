import type { JsonObject } from '../../data/mcp.ts';
import { Badge, type Tone } from '../../ui/badge.tsx';
import { Section } from '../../ui/page.tsx';
import { Problem } from '../../ui/states.tsx';
import { Questions } from './questions.tsx';
import { Result } from './result.tsx';
import type { Progress, Run } from './use-run.ts';

interface Props {
  readonly run: Run | undefined;
  readonly onAnswer: (answers: JsonObject) => void;
  readonly onRead: (uri: string) => void;
}

const STATES: Readonly<Record<Run['state'], readonly [Tone, string]>> = {
  running: ['accent', 'running'],
  asked: ['warn', 'waits for you'],
  done: ['good', 'it works'],
  failed: ['bad', 'refused'],
  cancelled: ['warn', 'cancelled'],
};

/** What came of a request so far: how far it is, what it asks, what it gave. */
export function Outcome({ run, onAnswer, onRead }: Props) {
  if (run === undefined) {
    return (
      <Section title="Result">
        <p className="text-muted">It shows here, with every message, as soon as something was tried.</p>
      </Section>
    );
  }
  const { state, progress, questions, result, error, ms } = run;
  const costs = Object.values(run.costs);
  const cost = costs.reduce((sum, each) => sum + each, 0);
  const isError = result?.['isError'] === true;
  const [tone, word] = isError ? (['bad', 'error of the tool'] as const) : STATES[state];
  return (
    <Section title="Result">
      <p role="status" className="flex flex-wrap items-center gap-x-3 gap-y-1 text-sm text-muted">
        <Badge tone={tone}>{word}</Badge>
        {state !== 'running' && state !== 'cancelled' && <span className="tabular-nums">{Math.round(ms)} ms</span>}
        {costs.length > 0 && state !== 'asked' && (
          <span className="tabular-nums">{cost === 0 ? 'free' : `${cost} USD`}</span>
        )}
      </p>
      {progress !== undefined && <ProgressBar {...progress} />}
      {state === 'asked' && questions !== undefined && (
        <Questions key={run.steps.length} questions={questions} onAnswer={onAnswer} />
      )}
      {error !== undefined && <Problem error={error} />}
      {result !== undefined && <Result result={result} onRead={onRead} />}
    </Section>
  );
}

function ProgressBar({ progress, total, message }: Progress) {
  const text = total === undefined ? String(progress) : `${progress} of ${total}`;
  return (
    <div className="flex flex-col gap-1">
      <progress
        aria-label="Progress"
        className="h-2 w-full accent-accent"
        value={progress}
        {...(total === undefined ? {} : { max: total })}
      />
      <p className="text-sm text-muted" aria-live="polite">
        {text}
        {message !== undefined && `: ${message}`}
      </p>
    </div>
  );
}
