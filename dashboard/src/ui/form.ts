import { useState } from 'react';
import { toApiError, type ApiError } from '../api.ts';

/** A draft of a record: what was changed, what is wrong with it, and saving it. */
export interface Form<T extends object> {
  /** What the controls show. */
  readonly draft: T;
  /** The changed fields only: what is sent. */
  readonly changes: Partial<T>;
  /** Fields that are changed here, and were changed by somebody else since: saving would replace what they did. */
  readonly conflicts: readonly string[];
  readonly isDirty: boolean;
  readonly isSaving: boolean;
  /** The error of the last save, for what no field shows. */
  readonly error: ApiError | undefined;
  set<K extends keyof T>(field: K, value: T[K]): void;
  /** The gateway's own error about this field, or about something inside it. */
  errorAt(field: string): string | undefined;
  discard(): void;
  /** Runs the save; gives true when it worked. */
  save(run: (changes: Partial<T>) => Promise<unknown>): Promise<boolean>;
}

/** A form over a stored record. What somebody else changes meanwhile shows through wherever this draft did not touch it. */
export function useForm<T extends object>(stored: T): Form<T> {
  const [touched, setTouched] = useState<Partial<T>>({});
  /** What was stored when a field was touched first. */
  const [found, setFound] = useState<Partial<T>>({});
  const [error, setError] = useState<ApiError>();
  const [isSaving, setSaving] = useState(false);
  const changes = changedIn(stored, touched);
  const names = Object.keys(changes) as (keyof T & string)[]; // of our own object
  return {
    draft: { ...stored, ...touched },
    changes,
    // What a save has just stored is no work of somebody else.
    conflicts: isSaving ? [] : names.filter((name) => name in found && !isSame(found[name], stored[name])),
    isDirty: names.length > 0,
    isSaving,
    error,
    set(field, value) {
      setTouched((fields) => ({ ...fields, [field]: value }));
      if (!(field in changes)) setFound((fields) => ({ ...fields, [field]: stored[field] }));
    },
    errorAt: (field) => error && faultAt(error.fields, field),
    discard() {
      setTouched({});
      setFound({});
      setError(undefined);
    },
    async save(run) {
      setSaving(true);
      setError(undefined);
      try {
        await run(changes);
        // What was typed while it was saved is not saved yet.
        setTouched((now) => changedIn(touched, now));
        setFound((former) => ({ ...former, ...touched }));
        return true;
      } catch (thrown) {
        setError(toApiError(thrown));
        return false;
      } finally {
        setSaving(false);
      }
    },
  };
}

/** The touched fields that differ from what is stored. */
export function changedIn<T extends object>(stored: T, touched: Partial<T>): Partial<T> {
  const names = Object.keys(touched) as (keyof T)[]; // of our own object
  const changed = names.filter((name) => !isSame(touched[name], stored[name]));
  return Object.fromEntries(changed.map((name) => [name, touched[name]])) as Partial<T>;
}

function isSame(one: unknown, other: unknown): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}

/** What is wrong with a field or inside it: `headers.X-A` and `headers["x y"]` are inside `headers`. */
export function faultAt(faults: Readonly<Record<string, string>>, field: string): string | undefined {
  const found = Object.entries(faults).flatMap(([path, rule]) => {
    if (path === field) return [rule];
    const rest = path.slice(field.length);
    return path.startsWith(field) && /^[.[]/.test(rest) ? [`${rest.replace(/^\./, '')}: ${rule}`] : [];
  });
  return found.length === 0 ? undefined : found.join('; ');
}
