import { Component, type ReactNode } from 'react';
import { toApiError } from '../api.ts';
import { Button } from '../ui/button.tsx';

/** Keeps a fault in one page from taking the whole dashboard with it. */
export class ErrorBoundary extends Component<{ readonly children: ReactNode }, { readonly error?: unknown }> {
  override state: { readonly error?: unknown } = {};

  static getDerivedStateFromError(error: unknown): { error: unknown } {
    return { error };
  }

  override render(): ReactNode {
    const { error } = this.state;
    if (error === undefined) return this.props.children;
    return <Fault error={error} />;
  }
}

/** Instead of a page that could not be shown. */
export function Fault({ error }: { error: unknown }) {
  return (
    <div className="mx-auto flex max-w-prose flex-col items-start gap-3 p-6" role="alert">
      <h1 className="text-lg font-semibold">This page could not be shown</h1>
      <p className="break-words text-muted">{toApiError(error).message}</p>
      <Button look="primary" icon="refresh" onClick={() => location.reload()}>
        Load again
      </Button>
    </div>
  );
}
