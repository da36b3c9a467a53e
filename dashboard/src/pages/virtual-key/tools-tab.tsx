import { useQuery } from '@tanstack/react-query';
import { serversQuery } from '../../data/servers.ts';
import { Section } from '../../ui/page.tsx';
import { Problem } from '../../ui/states.tsx';
import { ToolPicker } from '../../ui/tool-picker.tsx';
import { GrantAnother, Granted } from '../grants/grants.tsx';
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
        <Granted
          key={name}
          name={name}
          removeLabel={`Take away ${name}`}
          isDisabled={isDisabled}
          onRemove={() => set('mcp_configs', draft.mcp_configs.toSpliced(index, 1))}
        >
          <ToolPicker
            server={name}
            tools={servers.find(({ config }) => config.name === name)?.tools ?? []}
            value={tools_to_execute}
            disabled={isDisabled}
            onValue={(tools) => set('mcp_configs', draft.mcp_configs.with(index, { name, tools_to_execute: tools }))}
          />
        </Granted>
      ))}
      {open.length > 0 && (
        <p className="text-sm text-muted">
          Open to every key without an entry: {open.map(({ config }) => config.name).join(', ')}.
        </p>
      )}
      {error !== null && <Problem error={error} />}
      <GrantAnother
        label="Grant a server"
        placeholder="Search servers"
        options={servers.map(({ config }) => ({ value: config.name, label: config.name }))}
        granted={draft.mcp_configs.map(({ name }) => name)}
        none="There is no server yet."
        error={errorAt('mcp_configs')}
        isDisabled={isDisabled}
        onGrant={(name) => set('mcp_configs', [...draft.mcp_configs, { name, tools_to_execute: [] }])}
      />
    </Section>
  );
}
