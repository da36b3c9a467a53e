import { useState } from 'react';
import type { JsonObject } from '../../data/mcp.ts';
import { exampleOf } from '../../example-arguments.ts';
import { Badge } from '../../ui/badge.tsx';
import { Button, buttonClasses } from '../../ui/button.tsx';
import { Field } from '../../ui/field.tsx';
import { JsonEditor } from '../../ui/json-editor.tsx';
import { SchemaFields } from './schema-fields.tsx';
import type { Question } from './use-run.ts';

interface Props {
  readonly questions: Readonly<Record<string, Question>>;
  readonly onAnswer: (answers: JsonObject) => void;
}

/** What the server asks while a request runs. All that is asked at once is answered at once. */
export function Questions({ questions, onAnswer }: Props) {
  const [answers, setAnswers] = useState<JsonObject>({});
  const names = Object.keys(questions);

  function answer(name: string, value: unknown): void {
    const all = { ...answers, [name]: value };
    setAnswers(all);
    if (names.every((each) => each in all)) onAnswer(all);
  }

  return (
    <section aria-label="Questions of the server" className="flex flex-col gap-3">
      {Object.entries(questions).map(([name, question]) =>
        name in answers ? (
          <p key={name} className="text-sm text-muted">
            Answered: {textOf(question)}
          </p>
        ) : (
          <Ask key={name} question={question} onAnswer={(value) => answer(name, value)} />
        ),
      )}
    </section>
  );
}

interface AskProps {
  readonly question: Question;
  readonly onAnswer: (value: unknown) => void;
}

function Ask(props: AskProps) {
  const { question } = props;
  const isElicitation = question.method === 'elicitation/create';
  return (
    <div className="flex flex-col gap-3 rounded-md border border-accent p-3">
      <p className="flex flex-wrap items-center gap-2">
        <Badge tone="accent">The server asks</Badge>
        <span className="min-w-0 font-medium break-words whitespace-pre-wrap">{textOf(question)}</span>
      </p>
      {isElicitation && question.params?.['mode'] === 'url' && <Visit {...props} />}
      {isElicitation && question.params?.['mode'] !== 'url' && <Form {...props} />}
      {!isElicitation && <ByHand {...props} />}
    </div>
  );
}

function Form({ question, onAnswer }: AskProps) {
  const schema = (question.params?.['requestedSchema'] ?? {}) as JsonObject; // what is no schema shows as JSON
  const [content, setContent] = useState<JsonObject>(() => exampleOf(schema));
  return (
    <form
      className="flex flex-col gap-3"
      onSubmit={(event) => {
        event.preventDefault();
        onAnswer({ action: 'accept', content });
      }}
    >
      <SchemaFields schema={schema} value={content} onValue={setContent} />
      <Choices onAnswer={onAnswer}>
        <Button look="primary" type="submit">
          Accept
        </Button>
      </Choices>
    </form>
  );
}

function Visit({ question, onAnswer }: AskProps) {
  const url = String(question.params?.['url']);
  // A server may ask for anything; only an address of the web is opened.
  const isWeb = URL.canParse(url) && /^https?:$/.test(new URL(url).protocol);
  return (
    <>
      <p className="font-mono text-sm break-all">{url}</p>
      <Choices onAnswer={onAnswer}>
        {isWeb && (
          <a
            className={buttonClasses('primary')}
            href={url}
            target="_blank"
            rel="noopener noreferrer"
            onClick={() => onAnswer({ action: 'accept' })}
          >
            Open the page and accept
          </a>
        )}
      </Choices>
    </>
  );
}

function Choices({ onAnswer, children }: Pick<AskProps, 'onAnswer'> & { children: React.ReactNode }) {
  return (
    <div className="flex flex-wrap gap-2">
      {children}
      <Button onClick={() => onAnswer({ action: 'decline' })}>Decline</Button>
      <Button look="quiet" onClick={() => onAnswer({ action: 'cancel' })}>
        Cancel the question
      </Button>
    </div>
  );
}

/** Sampling and roots: nothing here has a model or files, so a person plays their part. */
function ByHand({ question, onAnswer }: AskProps) {
  const [value, setValue] = useState<unknown>(() =>
    question.method === 'roots/list'
      ? { roots: [{ uri: 'file:///', name: 'root' }] }
      : { role: 'assistant', content: { type: 'text', text: '' }, model: 'a person', stopReason: 'endTurn' },
  );
  const [isValid, setValid] = useState(true);
  return (
    <>
      {question.params !== undefined && (
        <pre
          tabIndex={0}
          aria-label="The question"
          className="overflow-x-auto rounded-md bg-raised p-2 font-mono text-xs"
        >
          {JSON.stringify(question.params, undefined, 2)}
        </pre>
      )}
      <Field label="Answer as JSON">
        <JsonEditor value={value} onValue={setValue} onValid={setValid} rows={6} />
      </Field>
      <div>
        <Button look="primary" disabled={!isValid} onClick={() => onAnswer(value)}>
          Send the answer
        </Button>
      </div>
    </>
  );
}

function textOf({ method, params }: Question): string {
  return typeof params?.['message'] === 'string' ? params['message'] : method;
}
