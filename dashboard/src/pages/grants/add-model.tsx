import { useQuery } from '@tanstack/react-query';
import { modelsQuery } from '../../data/models.ts';
import { GrantAnother } from './grants.tsx';

interface AddModelProps {
  readonly provider: string;
  /** A white list: `["*"]` all of them. */
  readonly value: readonly string[];
  /** Offers also what no key of the provider may be used for. */
  readonly isUnfiltered?: boolean;
  readonly isDisabled: boolean;
  readonly onValue: (models: string[]) => void;
}

/** Adds a model that a provider has to a list; the first one takes the place of "all of them", which says more than any name. */
export function AddModel({ provider, value, isUnfiltered = false, isDisabled, onValue }: AddModelProps) {
  const { data, error } = useQuery(modelsQuery(provider, isUnfiltered));
  const { models = [], problems = [] } = data ?? {};
  const missing = error?.message ?? problems.map(({ message }) => message).join('; ');
  return (
    <GrantAnother
      label="Add a model"
      placeholder={`Search the models of ${provider}`}
      options={models.map(({ name }) => ({ value: name, label: name }))}
      granted={value}
      none={missing || (data === undefined ? 'Asking for its models.' : 'Its models are not known: type their names.')}
      error={undefined}
      isDisabled={isDisabled}
      onGrant={(name) => onValue([...value.filter((entry) => entry !== '*' && entry !== ''), name])}
    />
  );
}
