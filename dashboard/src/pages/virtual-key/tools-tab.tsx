import { useQuery } from '@tanstack/react-query';
import { serversQuery } from '../../data/servers.ts';
import { IconButton } from '../../ui/button.tsx';
import { Combobox } from '../../ui/combobox.tsx';
import { Field } from '../../ui/field.tsx';
import { Section } from '../../ui/page.tsx';
import { Problem } from '../../ui/states.tsx';
import { ToolPicker } from '../../ui/tool-picker.tsx';
import type { KeyTabProps } from './draft.ts';

/** Which tools of which servers a key may call. */
export function ToolsTab({ form: { draft, set, errorAt }, isDisabled }: KeyTabProps) {
  const { data: servers = [], error } = useQuery(serversQuery);
  const granted = new Set(draft.mcp_configs.map(({ name }) => name));
  const open = servers.filter(({ config }) => config.allow_on_all_virtual_keys && !granted.has(config.name));
  return (
    <Section
      title="Granted tools"
      text="What is not granted is denied. What the server itself forbids stays forbidden."
    >
      {draft.mcp_configs.map(({ name, tools_to_execute }, index) => (
        <div key={name} className="rounded-md border p-3">
          <div className="mb-2 flex items-center gap-2">
            <h3 className="min-w-0 flex-1 truncate font-medium">{name}</h3>
            <IconButton
              icon="trash"
              label={`Take away ${name}`}
              disabled={isDisabled}
              onClick={() => set('mcp_configs', draft.mcp_configs.toSpliced(index, 1))}
            />
          </div>
          <ToolPicker
            server={name}
            tools={servers.find(({ config }) => config.name === name)?.tools ?? []}
            value={tools_to_execute}
            disabled={isDisabled}
            onValue={(tools) => set('mcp_configs', draft.mcp_configs.with(index, { name, tools_to_execute: tools }))}
          />
        </div>
      ))}
      {open.length > 0 && (
        <p className="text-sm text-muted">
          Open to every key without an entry: {open.map(({ config }) => config.name).join(', ')}.
        </p>
      )}
      {error !== null && <Problem error={error} />}
      <Field
        label="Grant a server"
        hint={servers.length === 0 ? 'There is no server yet.' : undefined}
        error={errorAt('mcp_configs')}
      >
        <Combobox
          value=""
          placeholder="Search servers"
          disabled={isDisabled}
          options={servers
            .filter(({ config }) => !granted.has(config.name))
            .map(({ config }) => ({ value: config.name, label: config.name }))}
          onValue={(name) => name !== '' && set('mcp_configs', [...draft.mcp_configs, { name, tools_to_execute: [] }])}
        />
      </Field>
    </Section>
  );
}
