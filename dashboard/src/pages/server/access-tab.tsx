import { useQuery } from '@tanstack/react-query';
import { virtualKeysQuery } from '../../data/virtual-keys.ts';
import { FormSwitch } from '../../ui/form-fields.tsx';
import { Section } from '../../ui/page.tsx';
import { Problem } from '../../ui/states.tsx';
import { ToolPicker } from '../../ui/tool-picker.tsx';
import { GrantAnother, Granted } from '../grants/grants.tsx';
import type { TabProps } from './draft.ts';

/** Which virtual keys may use which tools of a server. */
export function AccessTab({ server, form, isDisabled }: TabProps) {
  const { draft, set, errorAt } = form;
  const { data: virtualKeys = [], error } = useQuery(virtualKeysQuery);
  const nameOf = (id: string): string =>
    virtualKeys.find((key) => key.id === id)?.name ??
    server.vk_configs.find(({ virtual_key_id }) => virtual_key_id === id)?.virtual_key_name ??
    id;
  return (
    <Section title="Virtual keys" text="What is not granted is denied.">
      <FormSwitch
        form={form}
        field="allow_on_all_virtual_keys"
        label="All virtual keys"
        hint="Keys without an entry of their own may call every allowed tool. An entry below takes precedence."
        disabled={isDisabled}
      />
      {draft.vk_configs.map(({ virtual_key_id, tools_to_execute }, index) => (
        <Granted
          key={virtual_key_id}
          name={nameOf(virtual_key_id)}
          removeLabel={`Take ${nameOf(virtual_key_id)} its access`}
          isDisabled={isDisabled}
          onRemove={() => set('vk_configs', draft.vk_configs.toSpliced(index, 1))}
        >
          <ToolPicker
            server={server.config.name}
            tools={server.tools}
            value={tools_to_execute}
            disabled={isDisabled}
            onValue={(tools) =>
              set('vk_configs', draft.vk_configs.with(index, { virtual_key_id, tools_to_execute: tools }))
            }
          />
        </Granted>
      ))}
      {error !== null && <Problem error={error} />}
      <GrantAnother
        label="Give a key access"
        placeholder="Search keys"
        options={virtualKeys.map(({ id, name }) => ({ value: id, label: name }))}
        granted={draft.vk_configs.map(({ virtual_key_id }) => virtual_key_id)}
        none="There is no virtual key yet."
        error={errorAt('vk_configs')}
        isDisabled={isDisabled}
        onGrant={(id) => set('vk_configs', [...draft.vk_configs, { virtual_key_id: id, tools_to_execute: ['*'] }])}
      />
    </Section>
  );
}
