import { useEffect, type ReactNode } from 'react';
import { Bridge } from '../shell/shell.tsx';

/** What stands around the pages of those who are not signed in. */
export function SignInFrame({ title, text, children }: { title: string; text: string; children: ReactNode }) {
  useEffect(() => {
    document.title = `${title} · Asbru`;
  }, [title]);
  return (
    <main className="mx-auto flex min-h-dvh w-full max-w-sm flex-col justify-center gap-5 p-4">
      <div className="flex flex-col items-start gap-3">
        <Bridge />
        <div>
          <h1 className="text-lg font-semibold">{title}</h1>
          <p className="text-muted">{text}</p>
        </div>
      </div>
      <div className="rounded-lg border bg-surface p-4">{children}</div>
    </main>
  );
}
