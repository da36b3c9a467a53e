import { useVirtualizer } from '@tanstack/react-virtual';
import { useRef, useState } from 'react';
import { Button } from './button.tsx';
import { Input } from './field.tsx';
import { Switch } from './switch.tsx';

interface ToolPickerProps {
  /** Whose tools they are. */
  readonly server: string;
  readonly tools: readonly { readonly name: string; readonly description?: string | undefined }[];
  /** A white list: `["*"]` all, `[]` none, else exactly these. */
  readonly value: readonly string[];
  readonly onValue: (value: string[]) => void;
  readonly disabled?: boolean;
}

const ROW = 32;

/** Picks tools of one server: all of them, now and in future, or some by name. */
export function ToolPicker({ server, tools, value, onValue, disabled = false }: ToolPickerProps) {
  const [search, setSearch] = useState('');
  const isAll = value.includes('*');
  const picked = new Set(isAll ? [] : value);
  // A name that the server does not offer now may come back; it must not vanish from the list unseen.
  const known = new Set(tools.map(({ name }) => name));
  const missing = [...picked].filter((name) => !known.has(name)).map((name) => ({ name, description: undefined }));
  const shown = [...missing, ...tools].filter(({ name, description = '' }) =>
    `${name} ${description}`.toLowerCase().includes(search.toLowerCase()),
  );

  function pick(names: readonly string[], isPicked: boolean): void {
    const next = new Set(picked);
    for (const name of names) {
      if (isPicked) next.add(name);
      else next.delete(name);
    }
    onValue([...next]);
  }

  return (
    <div className="flex flex-col gap-2">
      <Switch
        isOn={isAll}
        disabled={disabled}
        onSwitch={(isOn) => onValue(isOn ? ['*'] : tools.map(({ name }) => name))}
        label={`All tools of ${server}`}
        hint="Also those that it will have later."
      />
      {!isAll && (
        <>
          <div className="flex items-center gap-2">
            <Input
              value={search}
              onText={setSearch}
              type="search"
              aria-label={`Search tools of ${server}`}
              placeholder="Search tools"
            />
            <Button
              disabled={disabled}
              onClick={() =>
                pick(
                  shown.map(({ name }) => name),
                  true,
                )
              }
            >
              Pick all
            </Button>
            <Button
              disabled={disabled}
              onClick={() =>
                pick(
                  shown.map(({ name }) => name),
                  false,
                )
              }
            >
              None
            </Button>
          </div>
          <p className="text-xs text-muted" aria-live="polite">
            {picked.size} of {tools.length} picked
          </p>
          <Choices server={server} tools={shown} picked={picked} disabled={disabled} onPick={pick} known={known} />
        </>
      )}
    </div>
  );
}

interface ChoicesProps extends Pick<ToolPickerProps, 'server' | 'tools'> {
  readonly picked: ReadonlySet<string>;
  readonly known: ReadonlySet<string>;
  readonly disabled: boolean;
  readonly onPick: (names: readonly string[], isPicked: boolean) => void;
}

function Choices({ server, tools, picked, known, disabled, onPick }: ChoicesProps) {
  const frame = useRef<HTMLDivElement>(null);
  const virtual = useVirtualizer({
    count: tools.length,
    getScrollElement: () => frame.current,
    estimateSize: () => ROW,
    overscan: 8,
  });
  return (
    <div
      ref={frame}
      role="group"
      aria-label={`Tools of ${server}`}
      tabIndex={0}
      className="max-h-64 overflow-auto rounded-md border"
    >
      <div className="relative" style={{ height: virtual.getTotalSize() }}>
        {virtual.getVirtualItems().map(({ index, start }) => {
          const tool = tools[index];
          if (tool === undefined) return null;
          return (
            <label
              key={tool.name}
              className="absolute inset-x-0 flex items-center gap-2 px-2 hover:bg-raised"
              style={{ height: ROW, transform: `translateY(${start}px)` }}
            >
              <input
                type="checkbox"
                className="accent-accent"
                checked={picked.has(tool.name)}
                disabled={disabled}
                onChange={(event) => onPick([tool.name], event.target.checked)}
              />
              <span className="font-mono text-sm">{tool.name}</span>
              <span className="truncate text-sm text-muted">
                {known.has(tool.name) ? tool.description : 'not offered now'}
              </span>
            </label>
          );
        })}
      </div>
    </div>
  );
}
