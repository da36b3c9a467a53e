import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import type { Diagnosis, DiagnosisStep } from '../../../../src/contract/diagnosis.ts';
import { serversQuery } from '../../data/servers.ts';
import { diagnose } from '../../data/sessions.ts';
import { Badge, type Tone } from '../../ui/badge.tsx';
import { Button } from '../../ui/button.tsx';
import { CodeBlock } from '../../ui/code-block.tsx';
import { Field } from '../../ui/field.tsx';
import { Section } from '../../ui/page.tsx';
import { Select } from '../../ui/select.tsx';
import { Problem } from '../../ui/states.tsx';
import { timeText } from '../server-words.tsx';

const TONES: Readonly<Record<DiagnosisStep['outcome'], Tone>> = { ok: 'good', skipped: 'plain', failed: 'bad' };

interface DoctorProps {
  readonly serverId: string;
  readonly onServer: (id: string) => void;
}

/** Where signing in to a server fails: every step, what was sent, what came back, the rule and what to do. */
export function Doctor({ serverId, onServer }: DoctorProps) {
  const { data: servers = [] } = useQuery(serversQuery);
  const [state, setState] = useState<{ isBusy: boolean; found?: Diagnosis; error?: unknown }>({ isBusy: false });
  const options = servers.map(({ config }) => ({ value: config.client_id, label: config.name }));

  async function run(): Promise<void> {
    setState({ isBusy: true });
    try {
      setState({ isBusy: false, found: await diagnose(serverId) });
    } catch (error) {
      setState({ isBusy: false, error });
    }
  }

  return (
    <Section
      title="What is wrong with signing in?"
      text="Asks the server and its authorization server. Changes nothing."
    >
      <div className="flex flex-wrap items-end gap-3">
        <div className="w-64 max-sm:w-full">
          <Field label="Server">
            <Select value={serverId} options={[{ value: '', label: 'Choose one' }, ...options]} onValue={onServer} />
          </Field>
        </div>
        <Button disabled={serverId === ''} isBusy={state.isBusy} onClick={() => void run()}>
          Diagnose
        </Button>
      </div>
      {state.error !== undefined && <Problem error={state.error} />}
      {state.found?.mcp_client_id === serverId && <Findings diagnosis={state.found} />}
    </Section>
  );
}

function Findings({ diagnosis: { is_ok, verdict, steps, token } }: { diagnosis: Diagnosis }) {
  return (
    <div aria-live="polite" className="flex flex-col gap-3">
      <p className="flex flex-wrap items-baseline gap-2 font-medium">
        <Badge tone={is_ok ? 'good' : 'bad'}>{is_ok ? 'in order' : 'fails'}</Badge> {verdict}
      </p>
      {token !== null && (
        <p className="text-sm text-muted">
          The token is {token.status.replace('_', ' ')}
          {token.status_reason === undefined ? '' : ` (${token.status_reason})`}
          {token.scopes.length > 0 && `, with the scopes ${token.scopes.join(', ')}`}
          {token.is_renewable ? ', and renews itself.' : '.'}
        </p>
      )}
      <ol aria-label="Steps" className="flex flex-col divide-y rounded-md border">
        {steps.map((step, index) => (
          <Step key={index} step={step} />
        ))}
      </ol>
    </div>
  );
}

function Step({ step }: { step: DiagnosisStep }) {
  const { outcome, detail, hint, rule, request, response, source, at } = step;
  const exchange = { ...(request && { request }), ...(response && { response }) };
  return (
    <li className="flex flex-col gap-1 px-3 py-2">
      <p className="flex flex-wrap items-baseline gap-x-2">
        <Badge tone={TONES[outcome]}>{outcome}</Badge>
        <span className="font-medium">{step.step.replaceAll('_', ' ')}</span>
        <span className="ml-auto text-xs text-muted">{source === 'now' ? 'now' : `recorded ${timeText(at)}`}</span>
      </p>
      {detail !== undefined && <p className="text-sm break-words">{detail}</p>}
      {hint !== undefined && <p className="text-sm font-medium break-words">{hint}</p>}
      {(rule !== undefined || Object.keys(exchange).length > 0) && (
        <details className="text-sm">
          <summary className="w-fit cursor-pointer text-muted">The rule, and what was sent and came back</summary>
          <div className="mt-2 flex flex-col gap-2">
            {rule !== undefined && <p className="break-words text-muted">{rule}</p>}
            <CodeBlock label="Request and response" text={JSON.stringify(exchange, undefined, 2)} />
          </div>
        </details>
      )}
    </li>
  );
}
