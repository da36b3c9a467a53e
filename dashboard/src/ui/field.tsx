import { createContext, use, useId, useState, type ComponentProps, type ReactNode } from 'react';
import { classes } from './classes.ts';

interface FieldLinks {
  readonly id: string;
  readonly describedBy: string | undefined;
  readonly isInvalid: boolean;
}

const Links = createContext<FieldLinks>({ id: '', describedBy: undefined, isInvalid: false });

interface FieldProps {
  readonly label: string;
  readonly hint?: ReactNode;
  /** What the gateway says is wrong with it; see `errorAt` of form.ts. */
  readonly error?: string | undefined;
  readonly children: ReactNode;
}

/** A control with its label above, and its hint and error below; the control inside finds them by itself. */
export function Field({ label, hint, error, children }: FieldProps) {
  const id = useId();
  const notes = [hint !== undefined && `${id}-hint`, error !== undefined && `${id}-error`].filter(Boolean).join(' ');
  return (
    <div className="flex min-w-0 flex-col gap-1">
      <label htmlFor={id} className="text-sm font-medium">
        {label}
      </label>
      <Links value={{ id, describedBy: notes === '' ? undefined : notes, isInvalid: error !== undefined }}>
        {children}
      </Links>
      {error !== undefined && (
        <p id={`${id}-error`} className="text-sm text-bad">
          {error}
        </p>
      )}
      {hint !== undefined && (
        <p id={`${id}-hint`} className="text-sm text-muted">
          {hint}
        </p>
      )}
    </div>
  );
}

/** What a control inside a Field must carry, so that label, hint and error belong to it. */
export function useFieldLinks(): {
  id?: string;
  'aria-describedby'?: string | undefined;
  'aria-invalid'?: true;
} {
  const { id, describedBy, isInvalid } = use(Links);
  if (id === '') return {};
  return { id, 'aria-describedby': describedBy, ...(isInvalid ? { 'aria-invalid': true as const } : {}) };
}

/** The look of everything that text is typed into. */
export const CONTROL = classes(
  'w-full min-w-0 rounded-md border border-control bg-surface px-2.5 text-ink',
  'aria-invalid:border-bad disabled:cursor-not-allowed disabled:bg-raised disabled:text-muted',
);

interface InputProps extends Omit<ComponentProps<'input'>, 'className' | 'onChange'> {
  readonly onText: (text: string) => void;
  readonly isMono?: boolean;
}

/** One line of text. */
export function Input({ onText, isMono = false, ...rest }: InputProps) {
  return (
    <input
      {...useFieldLinks()}
      {...rest}
      onChange={(event) => onText(event.target.value)}
      className={classes(CONTROL, 'h-8', isMono && 'font-mono text-sm')}
    />
  );
}

interface TextAreaProps extends Omit<ComponentProps<'textarea'>, 'className' | 'onChange'> {
  readonly onText: (text: string) => void;
}

/** Several lines of text, such as a certificate or one entry a line. */
export function TextArea({ onText, rows = 4, ...rest }: TextAreaProps) {
  return (
    <textarea
      spellCheck={false}
      {...useFieldLinks()}
      {...rest}
      rows={rows}
      onChange={(event) => onText(event.target.value)}
      className={classes(CONTROL, 'py-1.5 font-mono text-sm')}
    />
  );
}

/**
 * For text that stands in the URL, which follows a moment later: while somebody types, what is typed shows. Otherwise the
 * letters in between would get lost, and the caret would jump to the end.
 */
export function useTyping(value: string, onText: (text: string) => void) {
  const [typed, setTyped] = useState<string>();
  return {
    value: typed ?? value,
    onText(text: string): void {
      setTyped(text);
      onText(text);
    },
    onBlur: () => setTyped(undefined),
  };
}
