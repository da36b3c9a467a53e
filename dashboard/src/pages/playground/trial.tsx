import { useState } from 'react';
import { curlOf } from '../../curl.ts';
import { composeMcp, type As, type JsonObject, type McpRequest } from '../../data/mcp.ts';
import type { Offer } from '../../data/offers.ts';
import { exampleOf } from '../../example-arguments.ts';
import { Badge } from '../../ui/badge.tsx';
import { Button } from '../../ui/button.tsx';
import { CopyButton } from '../../ui/code-block.tsx';
import { Field, Input } from '../../ui/field.tsx';
import { JsonEditor } from '../../ui/json-editor.tsx';
import { Section } from '../../ui/page.tsx';
import { Messages } from './messages.tsx';
import { Outcome } from './outcome.tsx';
import { SchemaFields } from './schema-fields.tsx';
import { useRun } from './use-run.ts';

interface Props {
  readonly offer: Offer;
  /** The list of this caller has it. */
  readonly isSeen: boolean;
  readonly as: As;
  readonly headers: Readonly<Record<string, string>>;
  readonly onRead: (uri: string) => void;
}

/** A person is there to answer, so everything that can be asked may be asked. */
const CAPABILITIES = { elicitation: { form: {}, url: {} }, sampling: {}, roots: {} };
const VERBS = { tool: 'Call the tool', prompt: 'Get the prompt', resource: 'Read the resource' } as const;

/** One tool, prompt or resource: its arguments, its use, and what came of it. */
export function Trial({ offer, isSeen, as, headers, onRead }: Props) {
  const [args, setArgs] = useState<unknown>(() => exampleOf(offer.schema));
  const [uri, setUri] = useState(offer.name);
  const [isValid, setValid] = useState(true);
  const { run, start, answer, cancel } = useRun();
  const isBusy = run?.state === 'running' || run?.state === 'asked';
  const request: McpRequest = { as, headers, capabilities: CAPABILITIES, ...wordsOf(offer, args, uri) };

  return (
    <div className="grid min-w-0 items-start gap-4 lg:grid-cols-2">
      <div className="flex min-w-0 flex-col gap-4">
        <Section title={offer.title} {...(offer.description === undefined ? {} : { text: offer.description })}>
          {!isSeen && (
            <p>
              <Badge tone="warn">not in the list</Badge> This caller does not see it. It can be tried all the same.
            </p>
          )}
          {offer.kind === 'resource' ? (
            <Field label="Address" hint="Fill in what stands in {braces}, if anything does.">
              <Input isMono value={uri} onText={setUri} />
            </Field>
          ) : (
            <Arguments {...{ offer, args }} onArgs={setArgs} onValid={setValid} />
          )}
          <div className="flex flex-wrap items-center gap-2">
            <Button look="primary" icon="play" isBusy={isBusy} disabled={!isValid} onClick={() => start(request)}>
              {VERBS[offer.kind]}
            </Button>
            {isBusy && (
              <Button icon="close" onClick={cancel}>
                Cancel
              </Button>
            )}
            <CopyButton label="Copy as curl" text={curlOf(`${location.origin}/mcp`, composeMcp(request))} />
          </div>
        </Section>
      </div>
      <div className="flex min-w-0 flex-col gap-4">
        <Outcome run={run} onAnswer={answer} onRead={onRead} />
        {run !== undefined && <Messages steps={run.steps} />}
      </div>
    </div>
  );
}

interface ArgumentsProps {
  readonly offer: Offer;
  readonly args: unknown;
  readonly onArgs: (args: unknown) => void;
  readonly onValid: (isValid: boolean) => void;
}

/** The same arguments twice: as fields, and as JSON for what fields cannot say. */
function Arguments({ offer, args, onArgs, onValid }: ArgumentsProps) {
  const hasFields = Object.keys(offer.schema['properties'] ?? {}).length > 0;
  return (
    <div className="grid min-w-0 gap-4 md:grid-cols-2">
      <SchemaFields schema={{ type: 'object', properties: {}, ...offer.schema }} value={args} onValue={onArgs} />
      <Field label="Arguments as JSON">
        <JsonEditor value={args} onValue={onArgs} onValid={onValid} rows={hasFields ? 10 : 4} />
      </Field>
    </div>
  );
}

function wordsOf({ kind, name }: Offer, args: unknown, uri: string): Pick<McpRequest, 'method' | 'params'> {
  if (kind === 'resource') return { method: 'resources/read', params: { uri } };
  const params: JsonObject = { name, arguments: args ?? {} };
  return { method: kind === 'tool' ? 'tools/call' : 'prompts/get', params };
}
