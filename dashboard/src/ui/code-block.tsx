import { useEffect, useState } from 'react';
import { Icon } from './icon.tsx';

/** Text to be copied, with a button that copies it. */
export function CodeBlock({ text, label }: { text: string; label: string }) {
  return (
    <div className="relative rounded-md border bg-canvas">
      {/* Long lines scroll, so the keyboard must be able to get in. */}
      <pre tabIndex={0} aria-label={label} className="overflow-x-auto p-3 pr-24 font-mono text-sm whitespace-pre">
        {text}
      </pre>
      <div className="absolute top-1.5 right-1.5">
        <CopyButton text={text} of={label} />
      </div>
    </div>
  );
}

interface CopyButtonProps {
  readonly text: string;
  readonly label?: string;
  /** What is copied, for those who do not see what it stands beside. */
  readonly of?: string;
}

/** Copies a text and says that it did. */
export function CopyButton({ text, label = 'Copy', of }: CopyButtonProps) {
  const [isCopied, setCopied] = useState(false);
  useEffect(() => {
    if (!isCopied) return undefined;
    const timer = setTimeout(() => setCopied(false), 2_000);
    return () => clearTimeout(timer);
  }, [isCopied]);
  return (
    <button
      type="button"
      className="inline-flex h-7 items-center gap-1 rounded border bg-surface px-2 text-xs font-medium hover:bg-raised"
      onClick={() => void copy(text).then(() => setCopied(true))}
    >
      <Icon name={isCopied ? 'check' : 'copy'} className="size-3.5" />
      <span aria-live="polite">{isCopied ? 'Copied' : label}</span>
      {of !== undefined && <span className="sr-only">{of}</span>}
    </button>
  );
}

/** The clipboard of the browser is there over TLS and on this machine only; elsewhere the old way has to do. */
async function copy(text: string): Promise<void> {
  if (navigator.clipboard !== undefined) return navigator.clipboard.writeText(text);
  const area = document.createElement('textarea');
  area.value = text;
  document.body.append(area);
  area.select();
  document.execCommand('copy');
  area.remove();
}
