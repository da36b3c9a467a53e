import type { BudgetView, RateLimitView } from '../../../../src/contract/governance.ts';
import { Button, IconButton } from '../../ui/button.tsx';
import { Field, Input } from '../../ui/field.tsx';
import type { Form } from '../../ui/form.ts';
import { Select } from '../../ui/select.tsx';
import { Switch } from '../../ui/switch.tsx';
import { durationText } from '../../reset-time.ts';
import type { BudgetDraft, LimitsDraft, RateDraft } from './limits-draft.ts';
import { BudgetBar, RateBars } from './usage-bar.tsx';

const BUDGET_TIMES = ['1h', '1d', '1w', '1M', '1Q', '1Y'];
const RATE_TIMES = ['1s', '1m', '1h', '1d', '1w', '1M'];

interface LimitsEditorProps {
  readonly form: Form<LimitsDraft>;
  /** What is stored, with what is used of it. */
  readonly stored: { readonly budgets: readonly BudgetView[]; readonly rate_limit?: RateLimitView | undefined };
  readonly isDisabled: boolean;
}

/** Budgets, and limits of requests and tokens: what is used, and how much may be. */
export function LimitsEditor({ form, stored, isDisabled }: LimitsEditorProps) {
  const { draft, set, errorAt } = form;
  const free = BUDGET_TIMES.find((time) => !draft.budgets.some(({ reset_duration }) => reset_duration === time));
  return (
    <div className="flex flex-col gap-4">
      {draft.budgets.map((budget, index) => (
        <BudgetRow
          key={index}
          budget={budget}
          stored={stored.budgets.find(({ reset_duration }) => reset_duration === budget.reset_duration)}
          isDisabled={isDisabled}
          onBudget={(next) => set('budgets', draft.budgets.with(index, next))}
          onRemove={() => set('budgets', draft.budgets.toSpliced(index, 1))}
        />
      ))}
      {draft.budgets.length === 0 && <p className="text-muted">No budget: spending is not bounded here.</p>}
      <Fault text={errorAt('budgets')} />
      {free !== undefined && !isDisabled && (
        <div>
          <Button
            icon="plus"
            onClick={() =>
              set('budgets', [...draft.budgets, { max_limit: 10, reset_duration: free, calendar_aligned: false }])
            }
          >
            Add a budget
          </Button>
        </div>
      )}
      <RateFields
        rate={draft.rate_limit}
        stored={stored.rate_limit}
        isDisabled={isDisabled}
        onRate={(rate) => set('rate_limit', rate)}
      />
      <Fault text={errorAt('rate_limit')} />
    </div>
  );
}

/** What the gateway says is wrong with a list. */
export function Fault({ text }: { text: string | undefined }) {
  return text === undefined ? null : (
    <p role="alert" className="text-sm text-bad">
      {text}
    </p>
  );
}

interface BudgetRowProps {
  readonly budget: BudgetDraft;
  readonly stored: BudgetView | undefined;
  readonly isDisabled: boolean;
  readonly onBudget: (budget: BudgetDraft) => void;
  readonly onRemove: () => void;
}

function BudgetRow({ budget, stored, isDisabled, onBudget, onRemove }: BudgetRowProps) {
  const name = `budget per ${durationText(budget.reset_duration)}`;
  return (
    <div role="group" aria-label={`The ${name}`} className="flex flex-col gap-3 rounded-md border p-3">
      {stored !== undefined && <BudgetBar budget={stored} />}
      <div className="flex flex-wrap items-end gap-3">
        <div className="w-28">
          <Field label="USD">
            <Input
              type="number"
              min={0}
              step="any"
              value={Number.isNaN(budget.max_limit) ? '' : budget.max_limit}
              disabled={isDisabled}
              onText={(text) => onBudget({ ...budget, max_limit: Number.parseFloat(text) })}
            />
          </Field>
        </div>
        <div className="w-32">
          <Field label="Each">
            <Select
              value={budget.reset_duration}
              options={timesWith(BUDGET_TIMES, budget.reset_duration)}
              disabled={isDisabled}
              onValue={(reset_duration) => onBudget({ ...budget, reset_duration })}
            />
          </Field>
        </div>
        <div className="flex h-8 flex-1 items-center">
          <Switch
            label="By the calendar"
            isOn={budget.calendar_aligned}
            disabled={isDisabled}
            onSwitch={(calendar_aligned) => onBudget({ ...budget, calendar_aligned })}
          />
        </div>
        <IconButton icon="trash" label={`Remove the ${name}`} disabled={isDisabled} onClick={onRemove} />
      </div>
    </div>
  );
}

interface RateFieldsProps {
  readonly rate: RateDraft;
  readonly stored: RateLimitView | undefined;
  readonly isDisabled: boolean;
  readonly onRate: (rate: RateDraft) => void;
}

function RateFields({ rate, stored, isDisabled, onRate }: RateFieldsProps) {
  return (
    <div className="flex flex-col gap-3 border-t pt-4">
      {stored !== undefined && <RateBars limit={stored} />}
      {(['request', 'token'] as const).map((half) => (
        <div key={half} className="flex flex-wrap items-end gap-3">
          <div className="w-40">
            <Field label={half === 'request' ? 'Requests at most' : 'Tokens at most'}>
              <Input
                type="number"
                min={1}
                placeholder="no limit"
                value={rate[`${half}_max_limit`] ?? ''}
                disabled={isDisabled}
                onText={(text) => onRate({ ...rate, [`${half}_max_limit`]: text === '' ? null : Number(text) })}
              />
            </Field>
          </div>
          <div className="w-32">
            <Field label={half === 'request' ? 'Requests per' : 'Tokens per'}>
              <Select
                value={rate[`${half}_reset_duration`]}
                options={timesWith(RATE_TIMES, rate[`${half}_reset_duration`])}
                disabled={isDisabled}
                onValue={(duration) => onRate({ ...rate, [`${half}_reset_duration`]: duration })}
              />
            </Field>
          </div>
        </div>
      ))}
    </div>
  );
}

/** What is stored may be a time that is not in the list. */
function timesWith(times: readonly string[], stored: string) {
  const all = times.includes(stored) ? times : [stored, ...times];
  return all.map((value) => ({ value, label: durationText(value) }));
}
