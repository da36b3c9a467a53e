import { useQuery } from '@tanstack/react-query';
import { virtualKeysQuery } from '../../data/virtual-keys.ts';
import { IconButton } from '../../ui/button.tsx';
import { Combobox } from '../../ui/combobox.tsx';
import { Field } from '../../ui/field.tsx';
import { Section } from '../../ui/page.tsx';
import { Problem } from '../../ui/states.tsx';
import { Switch } from '../../ui/switch.tsx';
import { ToolPicker } from '../../ui/tool-picker.tsx';
import type { TabProps } from './draft.ts';

/** Which virtual keys may use which tools of a server. */
export function AccessTab({ server, form, isDisabled }: TabProps) {
  const { draft, set, errorAt } = form;
  const { data: virtualKeys = [], error } = useQuery(virtualKeysQuery);
  const granted = new Set(draft.vk_configs.map(({ virtual_key_id }) => virtual_key_id));
  const nameOf = (id: string): string =>
    virtualKeys.find((key) => key.id === id)?.name ??
    server.vk_configs.find(({ virtual_key_id }) => virtual_key_id === id)?.virtual_key_name ??
    id;
  return (
    <Section title="Virtual keys" text="What is not granted is denied.">
      <Switch
        label="All virtual keys"
        hint="Keys without an entry of their own may call every allowed tool. An entry below takes precedence."
        isOn={draft.allow_on_all_virtual_keys}
        disabled={isDisabled}
        onSwitch={(isOn) => set('allow_on_all_virtual_keys', isOn)}
      />
      {draft.vk_configs.map(({ virtual_key_id, tools_to_execute }, index) => (
        <div key={virtual_key_id} className="rounded-md border p-3">
          <div className="mb-2 flex items-center gap-2">
            <h3 className="min-w-0 flex-1 truncate font-medium">{nameOf(virtual_key_id)}</h3>
            <IconButton
              icon="trash"
              label={`Take ${nameOf(virtual_key_id)} its access`}
              disabled={isDisabled}
              onClick={() => set('vk_configs', draft.vk_configs.toSpliced(index, 1))}
            />
          </div>
          <ToolPicker
            server={server.config.name}
            tools={server.tools}
            value={tools_to_execute}
            disabled={isDisabled}
            onValue={(tools) =>
              set('vk_configs', draft.vk_configs.with(index, { virtual_key_id, tools_to_execute: tools }))
            }
          />
        </div>
      ))}
      {error !== null && <Problem error={error} />}
      <Field
        label="Give a key access"
        hint={virtualKeys.length === 0 ? 'There is no virtual key yet.' : undefined}
        error={errorAt('vk_configs')}
      >
        <Combobox
          value=""
          placeholder="Search keys"
          disabled={isDisabled}
          options={virtualKeys.filter(({ id }) => !granted.has(id)).map(({ id, name }) => ({ value: id, label: name }))}
          onValue={(id) =>
            id !== '' && set('vk_configs', [...draft.vk_configs, { virtual_key_id: id, tools_to_execute: ['*'] }])
          }
        />
      </Field>
    </Section>
  );
}
