import { Switch as Base } from '@base-ui/react/switch';
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

/** On or off. In a table it takes effect at once, in a form with the rest. */
export function Switch({ isOn, onSwitch, label, showsLabel = true, hint, disabled = false }: SwitchProps) {
  const id = useId();
  const control = (
    <Base.Root
      checked={isOn}
      onCheckedChange={(checked) => onSwitch(checked)}
      disabled={disabled}
      aria-labelledby={showsLabel ? `${id}-label` : undefined}
      aria-label={showsLabel ? undefined : label}
      aria-describedby={hint === undefined ? undefined : `${id}-hint`}
      className="inline-flex h-[1.125rem] w-8 shrink-0 items-center rounded-full border border-control bg-raised p-px transition-colors data-checked:border-accent data-checked:bg-accent data-disabled:cursor-not-allowed data-disabled:opacity-55"
    >
      <Base.Thumb className="size-3.5 rounded-full bg-control transition-transform data-checked:translate-x-3.5 data-checked:bg-on-accent" />
    </Base.Root>
  );
  if (!showsLabel) return control;
  return (
    <div className="flex items-start gap-2">
      <span className="flex h-5 items-center">{control}</span>
      <div>
        <span id={`${id}-label`} className="text-sm font-medium">
          {label}
        </span>
        {hint !== undefined && (
          <p id={`${id}-hint`} className="text-sm text-muted">
            {hint}
          </p>
        )}
      </div>
    </div>
  );
}
