import { useQueryClient } from '@tanstack/react-query';
import type { ProviderCreate } from '../../../../src/contract/provider.ts';
import { keys } from '../../data/keys.ts';
import { createProvider } from '../../data/providers.ts';
import { Combobox } from '../../ui/combobox.tsx';
import { Field, Input } from '../../ui/field.tsx';
import { FormDialog } from '../../ui/form-dialog.tsx';
import { useForm, type Form } from '../../ui/form.ts';
import { Switch } from '../../ui/switch.tsx';
import { BUILT_IN_OPTIONS, type BuiltIn } from './built-in.ts';

interface AddProviderProps {
  readonly onClose: () => void;
  readonly onAdded: (name: string) => void;
}

const BLANK = { isCustom: false, base: '', name: '', base_url: '', is_key_less: false, value: '' };
const FIELDS = [
  'name',
  'network_config.base_url',
  'custom_provider_config.base_provider_type',
  'keys[0].value',
] as const;

/** Adds a built-in provider by its name, or one of your own that speaks the same; with its first key. */
export function AddProvider({ onClose, onAdded }: AddProviderProps) {
  const queries = useQueryClient();
  const form = useForm(BLANK);

  async function add(): Promise<void> {
    await form.save(async () => {
      const { name } = await createProvider(bodyOf(form.draft));
      await queries.invalidateQueries({ queryKey: keys.providers });
      onAdded(name);
    });
  }

  return (
    <FormDialog form={form} title="Add a provider" verb="Add it" fields={FIELDS} onClose={onClose} onSubmit={add}>
      <Fields form={form} />
    </FormDialog>
  );
}

function Fields({ form: { draft, set, errorAt } }: { form: Form<typeof BLANK> }) {
  const { isCustom } = draft;
  return (
    <>
      <Switch
        label="A provider of your own"
        hint="With a name and an address that you choose; it speaks as a built-in one does."
        isOn={isCustom}
        onSwitch={(isOn) => set('isCustom', isOn)}
      />
      <Field
        label={isCustom ? 'Speaks as' : 'Provider'}
        error={errorAt(isCustom ? 'custom_provider_config.base_provider_type' : 'name')}
      >
        <Combobox value={draft.base} options={BUILT_IN_OPTIONS} onValue={(base) => set('base', base)} />
      </Field>
      {isCustom && (
        <>
          <Field label="Name" hint="What callers write before the slash." error={errorAt('name')}>
            <Input value={draft.name} onText={(text) => set('name', text)} />
          </Field>
          <Field label="Address" error={errorAt('network_config.base_url')}>
            <Input
              isMono
              value={draft.base_url}
              placeholder="https://models.example.com"
              onText={(text) => set('base_url', text)}
            />
          </Field>
          <Switch label="It wants no key" isOn={draft.is_key_less} onSwitch={(isOn) => set('is_key_less', isOn)} />
        </>
      )}
      {!(isCustom && draft.is_key_less) && (
        <Field
          label="First key"
          hint="The key itself, or env.NAME. Empty: add keys later."
          error={errorAt('keys[0].value')}
        >
          <Input isMono type="password" autoComplete="off" value={draft.value} onText={(text) => set('value', text)} />
        </Field>
      )}
    </>
  );
}

function bodyOf({ isCustom, base, name, base_url, is_key_less, value }: typeof BLANK): ProviderCreate {
  const first = value === '' || (isCustom && is_key_less) ? {} : { keys: [{ name: 'default', value }] };
  if (!isCustom) return { name: base, ...first };
  return {
    name,
    network_config: { base_url },
    // The gateway says what it takes.
    custom_provider_config: { base_provider_type: base as BuiltIn, is_key_less },
    ...first,
  };
}
