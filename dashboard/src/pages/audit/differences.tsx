import type { Difference } from '../../difference.ts';

interface DifferencesProps {
  readonly title: string;
  /** What stands on either side, such as before and after. */
  readonly words: readonly [string, string];
  readonly differences: readonly Difference[];
  /** Said where there are none. */
  readonly absent: string;
}

/** What differs, value by value. */
export function Differences({ title, words, differences, absent }: DifferencesProps) {
  return (
    <section>
      <h3 className="pb-1 text-sm font-semibold">{title}</h3>
      {differences.length === 0 ? (
        <p className="text-sm text-muted">{absent}</p>
      ) : (
        <ul className="flex flex-col gap-2" aria-label={title}>
          {differences.map((difference) => (
            <DifferenceItem key={difference.path} words={words} difference={difference} />
          ))}
        </ul>
      )}
    </section>
  );
}

interface ItemProps extends Pick<DifferencesProps, 'words'> {
  readonly difference: Difference;
}

function DifferenceItem({ words: [was, is], difference: { path, kind, before, after } }: ItemProps) {
  return (
    <li className="overflow-hidden rounded-md border font-mono text-xs">
      <p className="border-b bg-raised px-2 py-1 break-all">{path === '' ? 'all of it' : path}</p>
      {kind !== 'added' && (
        <p className="bg-bad-soft px-2 py-1 break-all whitespace-pre-wrap text-bad">
          <span className="sr-only">{was}: </span>
          <span aria-hidden="true">− </span>
          {JSON.stringify(before)}
        </p>
      )}
      {kind !== 'removed' && (
        <p className="bg-good-soft px-2 py-1 break-all whitespace-pre-wrap text-good">
          <span className="sr-only">{is}: </span>
          <span aria-hidden="true">+ </span>
          {JSON.stringify(after)}
        </p>
      )}
    </li>
  );
}
