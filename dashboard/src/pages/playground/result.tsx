import type { JsonObject } from '../../data/mcp.ts';
import { Badge } from '../../ui/badge.tsx';
import { Button } from '../../ui/button.tsx';
import { CodeBlock } from '../../ui/code-block.tsx';

/** A part of a result, of any kind: of a tool, a message of a prompt, or a read resource. */
interface Part {
  readonly type?: string;
  readonly text?: string;
  readonly data?: string;
  readonly blob?: string;
  readonly mimeType?: string;
  readonly uri?: string;
  readonly name?: string;
  readonly description?: string;
  readonly resource?: Part;
}

interface Props {
  readonly result: JsonObject;
  /** Reads the resource that a link leads to. */
  readonly onRead: (uri: string) => void;
}

/** A result as a person wants to see it. Whatever it is, the messages below have it as it came. */
export function Result({ result, onRead }: Props) {
  const { content, messages, contents, structuredContent } = result;
  const parts = listOf(content ?? contents) as readonly Part[]; // as the protocol has it
  const said = listOf(messages) as readonly { readonly role: string; readonly content: Part }[];
  return (
    <div className="flex flex-col gap-4" role="region" aria-label="Result">
      {parts.map((part, index) => (
        <PartView key={index} part={part} label={`Part ${index + 1}`} onRead={onRead} />
      ))}
      {said.map(({ role, content: part }, index) => (
        <div key={index} className="flex flex-col gap-1">
          <div>
            <Badge>{role}</Badge>
          </div>
          <PartView part={part} label={`Message ${index + 1}`} onRead={onRead} />
        </div>
      ))}
      {structuredContent !== undefined && (
        <div>
          <h3 className="mb-1 text-sm font-medium">Structured content</h3>
          <CodeBlock label="Structured content" text={JSON.stringify(structuredContent, undefined, 2)} />
        </div>
      )}
      {parts.length + said.length === 0 && structuredContent === undefined && (
        <p className="text-sm text-muted">The result is empty.</p>
      )}
    </div>
  );
}

function PartView({ part, label, onRead }: { part: Part; label: string; onRead: Props['onRead'] }) {
  const { type, text, mimeType = '', uri = '', name, description, resource } = part;
  if (resource !== undefined) return <PartView part={resource} label={label} onRead={onRead} />;
  const bytes = part.data ?? part.blob;
  if (type === 'resource_link') {
    return (
      <div className="flex flex-wrap items-center gap-2 rounded-md border p-3">
        <div className="min-w-0 flex-1">
          <p className="font-medium break-words">{name ?? uri}</p>
          <p className="font-mono text-xs break-all text-muted">{uri}</p>
          {description !== undefined && <p className="text-sm text-muted">{description}</p>}
        </div>
        <Button onClick={() => onRead(uri)}>Read it</Button>
      </div>
    );
  }
  return (
    <div className="flex min-w-0 flex-col gap-1">
      {(uri !== '' || mimeType !== '') && (
        <p className="font-mono text-xs break-all text-muted">{[uri, mimeType].filter(Boolean).join(' · ')}</p>
      )}
      {text === undefined ? (
        <Bytes part={part} bytes={bytes} label={label} />
      ) : (
        <CodeBlock label={label} text={neat(text)} />
      )}
    </div>
  );
}

function Bytes({ part, bytes, label }: { part: Part; bytes: string | undefined; label: string }) {
  const { mimeType = '', name } = part;
  if (bytes === undefined) return <CodeBlock label={label} text={JSON.stringify(part, undefined, 2)} />;
  // Of these a browser runs nothing; the policy of the page allows data: for them and for nothing else.
  const source = `data:${mimeType};base64,${bytes}`;
  if (/^image\/[\w.+-]+$/.test(mimeType))
    return (
      <img
        src={source}
        alt={name ?? `${label}: an image of the result`}
        className="max-h-96 max-w-full self-start rounded border"
      />
    );
  if (/^audio\/[\w.+-]+$/.test(mimeType))
    return <audio controls src={source} aria-label={name ?? `${label}: sound`} className="max-w-full" />;
  return (
    <p className="text-sm text-muted">
      {Math.floor((bytes.length * 3) / 4)} bytes that are neither an image nor sound; the messages have them.
    </p>
  );
}

/** JSON in a text is easier to read with line breaks. */
function neat(text: string): string {
  if (!/^\s*[[{]/.test(text)) return text;
  try {
    return JSON.stringify(JSON.parse(text), undefined, 2);
  } catch {
    return text;
  }
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}
