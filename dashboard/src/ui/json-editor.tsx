import { useState } from 'react';
import { TextArea } from './field.tsx';

interface JsonEditorProps {
  readonly value: unknown;
  /** Hears of every text that is JSON. */
  readonly onValue: (value: unknown) => void;
  /** Hears whether the text is JSON right now, so that a form can wait. */
  readonly onValid?: (isValid: boolean) => void;
  readonly rows?: number;
  readonly disabled?: boolean;
}

/** JSON as text. While it is no JSON it says why, and the last value stands. */
export function JsonEditor({ value, onValue, onValid, rows = 6, disabled }: JsonEditorProps) {
  const [draft, setDraft] = useState<{ text: string; of: unknown; fault?: string }>({ text: write(value), of: value });
  // A new value from outside replaces what is typed; the echo of our own does not.
  const { text, fault } = draft.of === value || draft.fault !== undefined ? draft : { text: write(value) };

  function change(next: string): void {
    try {
      const parsed: unknown = next.trim() === '' ? undefined : JSON.parse(next);
      setDraft({ text: next, of: parsed });
      onValid?.(true);
      onValue(parsed);
    } catch (error) {
      setDraft({ text: next, of: value, fault: error instanceof Error ? error.message : String(error) });
      onValid?.(false);
    }
  }

  return (
    <>
      <TextArea value={text} rows={rows} disabled={disabled} onText={change} {...(fault && { 'aria-invalid': true })} />
      {fault !== undefined && (
        <p role="alert" className="text-sm text-bad">
          Not JSON yet: {fault}
        </p>
      )}
    </>
  );
}

function write(value: unknown): string {
  return value === undefined ? '' : JSON.stringify(value, undefined, 2);
}
