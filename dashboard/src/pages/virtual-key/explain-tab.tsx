import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import type { Explanation, Verdict } from '../../../../src/contract/explain.ts';
import { serversQuery } from '../../data/servers.ts';
import { explanationQuery, type VirtualKey } from '../../data/virtual-keys.ts';
import { Badge, type Tone } from '../../ui/badge.tsx';
import { Combobox } from '../../ui/combobox.tsx';
import { Fetched } from '../../ui/fetched.tsx';
import { Field } from '../../ui/field.tsx';
import { Section } from '../../ui/page.tsx';

const TONES: Readonly<Record<Verdict['effect'], Tone>> = {
  shows: 'good',
  allows: 'good',
  hides: 'bad',
  denies: 'bad',
  waits: 'warn',
  prices: 'plain',
};

/** Why a key can or cannot see and call a tool: every rule that was asked, and what it said. */
export function ExplainTab({ virtualKey }: { virtualKey: VirtualKey }) {
  const { data: servers = [] } = useQuery(serversQuery);
  const [tool, setTool] = useState('');
  const names = servers.flatMap(({ config, tools }) => tools.map(({ name }) => `${config.name}-${name}`));
  return (
    <Section
      title="Why can this key not see that tool?"
      text="The gateway asks its own rules, as a call right now would, and calls nothing."
    >
      <Field label="Tool">
        <Combobox
          value={tool}
          placeholder="Search the tools of all servers"
          options={names.map((name) => ({ value: name, label: name }))}
          onValue={setTool}
        />
      </Field>
      {tool !== '' && <Answer id={virtualKey.id} tool={tool} />}
    </Section>
  );
}

function Answer({ id, tool }: { id: string; tool: string }) {
  return (
    <Fetched query={useQuery(explanationQuery(id, tool))} rows={3}>
      {(found) => <Found data={found} />}
    </Fetched>
  );
}

function Found({ data }: { data: Explanation }) {
  return (
    <div aria-live="polite" className="flex flex-col gap-3">
      <p className="flex flex-wrap items-center gap-2 font-medium">
        <Badge tone={data.is_callable ? 'good' : 'bad'}>{outcomeOf(data)}</Badge>
        <span className="font-mono text-sm break-all">{data.tool}</span>
        {data.price > 0 && <span className="text-sm text-muted">{data.price} USD a call</span>}
      </p>
      <ol aria-label="Rules" className="flex flex-col divide-y rounded-md border">
        {data.verdicts.map(({ rule, effect, message }, index) => (
          <li key={index} className="flex flex-wrap items-baseline gap-x-3 gap-y-1 px-3 py-2">
            <span className="w-16">
              <Badge tone={TONES[effect]}>{effect}</Badge>
            </span>
            <span className="min-w-0 flex-1 basis-60 break-words">{message}</span>
            <span className="font-mono text-xs text-muted">{rule}</span>
          </li>
        ))}
      </ol>
    </div>
  );
}

function outcomeOf({ is_visible, is_callable }: Explanation): string {
  if (!is_visible) return 'cannot be seen';
  return is_callable ? 'can be called' : 'can be seen, but not called';
}
