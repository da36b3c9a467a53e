import { useEffect, type ReactNode } from 'react';

interface PageProps {
  readonly title: string;
  /** Above the title: where this page belongs. */
  readonly above?: ReactNode;
  /** Beside the title, such as a state. */
  readonly beside?: ReactNode;
  readonly text?: string;
  readonly actions?: ReactNode;
  readonly children: ReactNode;
}

/** The frame of every page: its title, also in the browser tab, and its actions. */
export function Page({ title, above, beside, text, actions, children }: PageProps) {
  useEffect(() => {
    document.title = `${title} · Asbru`;
  }, [title]);
  return (
    <div className="mx-auto flex w-full max-w-7xl flex-col gap-4 p-4 md:p-6">
      <header className="flex flex-wrap items-start gap-x-4 gap-y-2">
        <div className="min-w-0 flex-1 basis-44">
          {above !== undefined && <div className="text-sm text-muted">{above}</div>}
          <div className="flex flex-wrap items-center gap-2">
            <h1 className="text-lg font-semibold break-all">{title}</h1>
            {beside}
          </div>
          {text !== undefined && <p className="mt-0.5 max-w-prose text-muted">{text}</p>}
        </div>
        {actions !== undefined && <div className="flex flex-wrap gap-2">{actions}</div>}
      </header>
      {children}
    </div>
  );
}

/** A part of a page with a heading. */
export function Section({ title, text, children }: { title: string; text?: string; children: ReactNode }) {
  return (
    <section className="rounded-lg border bg-surface">
      <header className="border-b px-4 py-2.5">
        <h2 className="font-semibold">{title}</h2>
        {text !== undefined && <p className="text-sm text-muted">{text}</p>}
      </header>
      <div className="flex flex-col gap-4 p-4">{children}</div>
    </section>
  );
}
