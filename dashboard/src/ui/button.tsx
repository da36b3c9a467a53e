import type { ComponentProps, ReactNode } from 'react';
import { classes } from './classes.ts';
import { Icon, type IconName } from './icon.tsx';
import { Tooltip } from './tooltip.tsx';

const LOOKS = {
  primary: 'bg-accent text-on-accent border-transparent hover:opacity-90',
  secondary: 'bg-surface text-ink border-line hover:bg-raised',
  quiet: 'bg-transparent text-ink border-transparent hover:bg-raised',
  danger: 'bg-surface text-bad border-line hover:bg-bad-soft',
} as const;

/** How a button looks: one primary per screen, the others secondary or quiet. */
export type ButtonLook = keyof typeof LOOKS;

/** The classes of a button, for a link that looks like one. */
export function buttonClasses(look: ButtonLook = 'secondary'): string {
  return classes(
    'inline-flex h-8 shrink-0 items-center justify-center gap-1.5 rounded-md border px-3 text-sm font-medium whitespace-nowrap',
    'transition-colors disabled:cursor-not-allowed disabled:opacity-55',
    LOOKS[look],
  );
}

interface ButtonProps extends Omit<ComponentProps<'button'>, 'className'> {
  readonly look?: ButtonLook;
  readonly icon?: IconName;
  /** The work has begun: no second click, and the button keeps its width. */
  readonly isBusy?: boolean;
}

/** A button with a text. */
export function Button({ look, icon, isBusy = false, disabled, children, type = 'button', ...rest }: ButtonProps) {
  return (
    <button
      {...rest}
      type={type}
      className={buttonClasses(look)}
      disabled={disabled === true || isBusy}
      aria-busy={isBusy}
    >
      {isBusy ? <Spinner /> : icon && <Icon name={icon} />}
      {children}
    </button>
  );
}

interface IconButtonProps extends Omit<ComponentProps<'button'>, 'className' | 'children'> {
  readonly icon: IconName;
  /** What it does, in words. */
  readonly label: string;
}

/** A button with a drawing only; its label shows as a tooltip. */
export function IconButton({ icon, label, type = 'button', ...rest }: IconButtonProps) {
  return (
    <Tooltip text={label}>
      <button
        {...rest}
        type={type}
        aria-label={label}
        className="inline-flex size-8 shrink-0 items-center justify-center rounded-md text-muted hover:bg-raised hover:text-ink disabled:cursor-not-allowed disabled:opacity-55"
      >
        <Icon name={icon} />
      </button>
    </Tooltip>
  );
}

function Spinner(): ReactNode {
  return (
    <span
      aria-hidden="true"
      className="size-4 animate-spin rounded-full border-2 border-current border-r-transparent opacity-70"
    />
  );
}
