import type { LogStatus } from '../../../../src/contract/log.ts';
import type { ErrorEnvelope } from '../../../../src/contract/common.ts';
import { Badge, type Tone } from '../../ui/badge.tsx';
import { CodeBlock, CopyButton } from '../../ui/code-block.tsx';

/** More is not read on a page, and slows it down; copying gives all of it. */
const SHOWN = 20_000;
const TONES: Readonly<Record<LogStatus, Tone>> = { success: 'good', error: 'bad', processing: 'accent' };

/** States of logs in words. */
export const STATUS_OPTIONS = [
  { value: 'success', label: 'success' },
  { value: 'error', label: 'error' },
  { value: 'processing', label: 'processing' },
] as const;

/** How it came out. */
export function StatusBadge({ status }: { status: LogStatus }) {
  return <Badge tone={TONES[status]}>{status}</Badge>;
}

/** A moment to the second, in the time of this place. */
export function momentText(moment: string): string {
  return new Date(moment).toLocaleString(undefined, { dateStyle: 'medium', timeStyle: 'medium' });
}

/** A value in the width of a cell. */
export function previewOf(value: unknown): string {
  return typeof value === 'string' ? value : (JSON.stringify(value) ?? '');
}

/** As much of a text as is read on a page. */
export function textWithin(text: string): string {
  return text.length > SHOWN ? `${text.slice(0, SHOWN)} …` : text;
}

interface ContentProps {
  readonly title: string;
  readonly value: unknown;
  readonly isCut?: boolean | undefined;
  /** Said where nothing was kept. */
  readonly absent: string;
}

/** What went in or came out. */
export function Content({ title, value, isCut = false, absent }: ContentProps) {
  const text = typeof value === 'string' ? value : JSON.stringify(value, undefined, 2);
  const isLong = text !== undefined && text.length > SHOWN;
  return (
    <section>
      <h3 className="pb-1 text-sm font-semibold">{title}</h3>
      {text === undefined ? (
        <p className="text-sm text-muted">{absent}</p>
      ) : (
        <CodeBlock label={title} text={textWithin(text)} />
      )}
      {isLong && (
        <p className="flex items-center gap-2 pt-1 text-sm text-muted">
          The beginning. <CopyButton text={text} label="Copy all of it" />
        </p>
      )}
      {isCut && <p className="pt-1 text-sm text-muted">The gateway kept only the beginning.</p>}
    </section>
  );
}

/** Why it failed. */
export function FaultText({ fault }: { fault: ErrorEnvelope }) {
  return (
    <section className="rounded-md bg-bad-soft px-3 py-2 text-sm text-bad">
      <h3 className="font-semibold">Error</h3>
      <p className="break-words">
        {fault.error.message} <span className="font-mono text-xs">({fault.error.code ?? fault.status_code})</span>
      </p>
    </section>
  );
}
