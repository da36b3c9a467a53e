import { Switch } from '../../ui/switch.tsx';

interface PickKeysProps {
  readonly provider: string;
  readonly keys: readonly { readonly id: string; readonly name: string }[];
  /** A white list of ids: `["*"]` all of them. */
  readonly value: readonly string[];
  readonly error: string | undefined;
  readonly isDisabled: boolean;
  readonly onValue: (ids: string[]) => void;
}

/** Which keys of a provider may be used: all of them, now and in future, or some by name. */
export function PickKeys({ provider, keys, value, error, isDisabled, onValue }: PickKeysProps) {
  const isAll = value.includes('*');
  // A key that is gone must not vanish from the list unseen.
  const gone = value.filter((id) => id !== '*' && !keys.some((key) => key.id === id));
  const shown = [...keys, ...gone.map((id) => ({ id, name: `${id} (not there now)` }))];
  return (
    <fieldset className="flex min-w-0 flex-col gap-2" aria-invalid={error !== undefined}>
      <legend className="pb-1 text-sm font-medium">Keys of the provider</legend>
      <Switch
        label={`All keys of ${provider}`}
        hint="Also those that it will have later."
        isOn={isAll}
        disabled={isDisabled}
        onSwitch={(isOn) => onValue(isOn ? ['*'] : keys.map(({ id }) => id))}
      />
      {!isAll &&
        shown.map(({ id, name }) => (
          <label key={id} className="flex min-w-0 items-center gap-2 text-sm">
            <input
              type="checkbox"
              className="accent-accent"
              checked={value.includes(id)}
              disabled={isDisabled}
              onChange={({ target }) =>
                onValue(target.checked ? [...value, id] : value.filter((picked) => picked !== id))
              }
            />
            <span className="truncate">{name}</span>
          </label>
        ))}
      {!isAll && value.length === 0 && <p className="text-sm text-muted">None picked: it can use none of them.</p>}
      {error !== undefined && (
        <p role="alert" className="text-sm text-bad">
          {error}
        </p>
      )}
    </fieldset>
  );
}
