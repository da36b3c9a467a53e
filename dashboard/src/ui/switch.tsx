import { useId } from 'react';

interface SwitchProps {
  readonly isOn: boolean;
  readonly onSwitch: (isOn: boolean) => void;
  /** What is on or off. */
  readonly label: string;
  /** The text beside it; false where a table heading says it already. */
  readonly showsLabel?: boolean;
  readonly hint?: string;
  readonly disabled?: boolean;
}

/** On or off. In a table it takes effect at once, in a form with the rest. A plain button: lists have thousands of them. */
export function Switch({ isOn, onSwitch, label, showsLabel = true, hint, disabled = false }: SwitchProps) {
  const id = useId();
  const control = (
    <button
      type="button"
      id={id}
      role="switch"
      aria-checked={isOn}
      disabled={disabled}
      aria-label={showsLabel ? undefined : label}
      aria-describedby={hint === undefined ? undefined : `${id}-hint`}
      onClick={() => onSwitch(!isOn)}
      className="group inline-flex h-[1.125rem] w-8 shrink-0 items-center rounded-full border border-control bg-raised p-px align-middle transition-colors disabled:cursor-not-allowed disabled:opacity-55 aria-checked:border-accent aria-checked:bg-accent"
    >
      <span className="size-3.5 rounded-full bg-control transition-transform group-aria-checked:translate-x-3.5 group-aria-checked:bg-on-accent" />
    </button>
  );
  if (!showsLabel) return control;
  return (
    <div className="flex items-start gap-2">
      <span className="flex h-5 items-center">{control}</span>
      <div>
        <label htmlFor={id} className="text-sm font-medium">
          {label}
        </label>
        {hint !== undefined && (
          <p id={`${id}-hint`} className="text-sm text-muted">
            {hint}
          </p>
        )}
      </div>
    </div>
  );
}
