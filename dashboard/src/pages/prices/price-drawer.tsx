import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useId } from 'react';
import { keys } from '../../data/keys.ts';
import { modelsQuery } from '../../data/models.ts';
import { createPrice, removePrice, updatePrice, type Price } from '../../data/prices.ts';
import { providersQuery } from '../../data/providers.ts';
import { useSession } from '../../shell/session-context.tsx';
import { Combobox } from '../../ui/combobox.tsx';
import { Field, Input } from '../../ui/field.tsx';
import { FormDrawer } from '../../ui/form-drawer.tsx';
import { FormSelect, FormText } from '../../ui/form-fields.tsx';
import { useForm, type Form } from '../../ui/form.ts';
import { PRICE_FIELDS, priceBody, priceDraftOf, type PriceDraft } from './draft.ts';

interface PriceDrawerProps {
  /** Undefined for a new one. */
  readonly stored: Price | undefined;
  readonly onClose: () => void;
}

/** What one model costs, or all whose names match. */
export function PriceDrawer({ stored, onClose }: PriceDrawerProps) {
  const queries = useQueryClient();
  const { canWrite } = useSession();
  const form = useForm(priceDraftOf(stored));
  const { draft } = form;
  const refresh = (): Promise<void> => queries.invalidateQueries({ queryKey: keys.prices });
  return (
    <FormDrawer
      form={form}
      title={stored?.name ?? 'Add a price'}
      name={stored?.name ?? draft.name}
      fields={PRICE_FIELDS}
      isDisabled={!canWrite}
      onClose={onClose}
      onSave={async (changes) => {
        await (stored === undefined
          ? createPrice(priceBody(draft, draft.scope_kind))
          : updatePrice(stored.id, priceBody(changes, draft.scope_kind)));
        await refresh();
      }}
      removal={
        stored && {
          text: 'From the next answer on its models cost what the price sheet says. What was spent stays spent.',
          run: async () => {
            await removePrice(stored.id);
            await refresh();
          },
        }
      }
    >
      <Models form={form} isDisabled={!canWrite} />
      <Usd form={form} isDisabled={!canWrite} />
    </FormDrawer>
  );
}

interface PartProps {
  readonly form: Form<PriceDraft>;
  readonly isDisabled: boolean;
}

const SCOPES = [
  { value: 'global', label: 'All providers' },
  { value: 'provider', label: 'One provider' },
] as const;
const MATCHES = [
  { value: 'exact', label: 'This model' },
  { value: 'wildcard', label: 'Models whose name matches' },
] as const;

function Models({ form, isDisabled }: PartProps) {
  const { draft, set, errorAt } = form;
  const bound = { form, disabled: isDisabled };
  const list = useId();
  const { data: providers = [] } = useQuery(providersQuery);
  const { data: known } = useQuery(modelsQuery(draft.scope_kind === 'provider' ? draft.provider_id : ''));
  const names = new Set([
    ...providers.map(({ name }) => name),
    ...(draft.provider_id === '' ? [] : [draft.provider_id]),
  ]);
  return (
    <>
      <FormText {...bound} field="name" label="Name" hint="For people." />
      <div className="grid items-start gap-4 sm:grid-cols-2">
        <FormSelect {...bound} field="scope_kind" label="Holds for" options={SCOPES} />
        {draft.scope_kind === 'provider' && (
          <Field label="Provider" error={errorAt('provider_id')}>
            <Combobox
              value={draft.provider_id}
              placeholder="Search providers"
              options={[...names].map((name) => ({ value: name, label: name }))}
              disabled={isDisabled}
              onValue={(name) => set('provider_id', name)}
            />
          </Field>
        )}
      </div>
      <div className="grid items-start gap-4 sm:grid-cols-2">
        <FormSelect {...bound} field="match_type" label="Which models" options={MATCHES} />
        <FormText
          {...bound}
          field="pattern"
          label="Model"
          hint={
            draft.match_type === 'wildcard'
              ? 'A * stands for any text: gpt-5*.'
              : 'As the provider names it, such as gpt-5-mini.'
          }
          list={list}
          isMono
        />
        <datalist id={list}>
          {[...new Set(known?.models.map(({ name }) => name))].map((name) => (
            <option key={name} value={name} />
          ))}
        </datalist>
      </div>
    </>
  );
}

const PRICES = [
  ['input', 'What goes in', undefined],
  ['output', 'What comes out', undefined],
  ['cache_read', 'Read from the cache', 'Empty: as what goes in.'],
  ['cache_write', 'Put into the cache', 'Empty: as what goes in.'],
] as const;

function Usd({ form: { draft, set, errorAt }, isDisabled }: PartProps) {
  return (
    <fieldset className="flex flex-col gap-2">
      <legend className="pb-2 text-sm font-semibold">USD per million tokens</legend>
      <div className="grid grid-cols-2 items-start gap-4">
        {PRICES.map(([field, label, hint]) => (
          <Field key={field} label={label} hint={hint} error={errorAt(`patch.${field}`)}>
            <Input
              type="number"
              min={0}
              step="any"
              value={Number.isNaN(draft.patch[field]) ? '' : draft.patch[field]}
              disabled={isDisabled}
              onText={(text) => set('patch', { ...draft.patch, [field]: Number.parseFloat(text) })}
            />
          </Field>
        ))}
      </div>
    </fieldset>
  );
}
