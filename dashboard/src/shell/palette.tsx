import { Dialog } from '@base-ui/react/dialog';
import { useQuery } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { useEffect, useState, type KeyboardEvent } from 'react';
import { serversQuery } from '../data/servers.ts';
import { virtualKeysQuery } from '../data/virtual-keys.ts';
import { classes } from '../ui/classes.ts';
import { Icon, type IconName } from '../ui/icon.tsx';
import { NAVIGATION } from './navigation.ts';

/** Something to go to or to do. */
export interface Command {
  readonly id: string;
  readonly label: string;
  readonly kind: string;
  readonly icon: IconName;
  readonly words?: string | undefined;
  readonly run: () => void;
}

interface PaletteProps {
  readonly isOpen: boolean;
  /** Another one each time it is opened: nothing is left of what was typed before. */
  readonly opening: number;
  readonly onClose: () => void;
  /** What can be done from anywhere, such as switching the theme. */
  readonly actions: readonly Command[];
  readonly isAdmin: boolean;
}

const MAX_SHOWN = 50;

/** Goes anywhere by typing a few letters. */
export function Palette({ isOpen, onClose, ...rest }: PaletteProps) {
  return (
    <Dialog.Root open={isOpen} onOpenChange={(open) => !open && onClose()}>
      <Dialog.Portal>
        <Dialog.Backdrop className="fixed inset-0 z-40 bg-shade" />
        <Dialog.Popup
          aria-label="Command palette"
          className="fixed top-[12dvh] left-1/2 z-50 flex max-h-[70dvh] w-[min(36rem,calc(100vw-2rem))] -translate-x-1/2 flex-col rounded-lg border bg-surface shadow-xl outline-none"
        >
          <Commands onClose={onClose} {...rest} />
        </Dialog.Popup>
      </Dialog.Portal>
    </Dialog.Root>
  );
}

function Commands({ opening, onClose, actions, isAdmin }: Omit<PaletteProps, 'isOpen'>) {
  const { commands, isLoading } = useCommands(actions, isAdmin);
  const [text, setText] = useState('');
  const [active, setActive] = useState(0);
  /** Enter came before what it is meant for. */
  const [isEntered, setEntered] = useState(false);
  const [of, setOf] = useState(opening);
  const shown = findCommands(commands, text);
  const [first] = shown;

  function look(next: string): void {
    setText(next);
    setActive(0);
    setEntered(false);
  }

  // It may be opened again before it is gone, and then keeps its field with the focus in it.
  if (of !== opening) {
    setOf(opening);
    look('');
  }

  function run(command: Command | undefined): void {
    if (command === undefined) return;
    onClose();
    command.run();
  }

  useEffect(() => {
    if (!isEntered || first === undefined) return;
    setEntered(false);
    run(first);
  });

  function move(event: KeyboardEvent): void {
    const step = event.key === 'ArrowDown' ? 1 : event.key === 'ArrowUp' ? -1 : 0;
    if (event.key === 'Enter' && first === undefined) setEntered(isLoading);
    else if (event.key === 'Enter') run(shown[active]);
    if (step === 0 || shown.length === 0) return;
    event.preventDefault();
    const next = (active + step + shown.length) % shown.length;
    setActive(next);
    document.querySelector(`#command-${next}`)?.scrollIntoView({ block: 'nearest' });
  }

  return (
    <>
      <input
        role="combobox"
        aria-expanded="true"
        aria-controls="commands"
        aria-activedescendant={shown.length === 0 ? undefined : `command-${active}`}
        aria-label="Go to a page, a server or a key"
        placeholder="Go to a page, a server or a key …"
        className="h-12 w-full shrink-0 rounded-t-lg border-b bg-transparent px-4 outline-offset-[-2px]"
        value={text}
        onChange={(event) => look(event.target.value)}
        onKeyDown={move}
      />
      <div id="commands" role="listbox" aria-label="Commands" className="min-h-0 overflow-auto p-1.5">
        {shown.map((command, index) => (
          <div
            key={command.id}
            id={`command-${index}`}
            role="option"
            aria-selected={index === active}
            tabIndex={-1}
            onClick={() => run(command)}
            onKeyDown={() => {}}
            onPointerMove={() => setActive(index)}
            className={classes(
              'flex h-9 cursor-pointer items-center gap-2.5 rounded-md px-2.5',
              index === active && 'bg-accent-soft',
            )}
          >
            <Icon name={command.icon} className="size-4 text-muted" />
            <span className="min-w-0 flex-1 truncate">{command.label}</span>
            <span className="text-xs text-muted">{command.kind}</span>
          </div>
        ))}
      </div>
      {first === undefined && (
        <p className="px-4 pb-4 text-sm text-muted">{isLoading ? 'Looking …' : 'Nothing matches.'}</p>
      )}
    </>
  );
}

/** `isLoading`: there may be more in a moment. */
function useCommands(actions: readonly Command[], isAdmin: boolean) {
  const navigate = useNavigate();
  const { data: servers = [], isLoading: isLoadingServers } = useQuery(serversQuery);
  const { data: virtualKeys = [], isLoading: isLoadingKeys } = useQuery(virtualKeysQuery);
  const commands: readonly Command[] = [
    ...NAVIGATION.filter(({ isForAdmins }) => isForAdmins !== true || isAdmin).map(
      ({ to, label, icon, words }): Command => ({
        ...{ id: to, label, icon, words, kind: 'Page' },
        run: () => void navigate({ to }),
      }),
    ),
    ...actions,
    ...servers.map(({ config }): Command => ({
      ...{ id: `server-${config.client_id}`, label: config.name, icon: 'server', kind: 'Server' },
      run: () => void navigate({ to: '/workspace/mcp-registry/$id', params: { id: config.client_id } }),
    })),
    ...virtualKeys.map(({ id, name }): Command => ({
      ...{ id: `key-${id}`, label: name, icon: 'key', kind: 'Virtual key' },
      run: () => void navigate({ to: '/workspace/virtual-keys/$id', params: { id } }),
    })),
  ];
  return { commands, isLoading: isLoadingServers || isLoadingKeys };
}

/** Every word must be somewhere; what begins with the text comes first. */
export function findCommands(all: readonly Command[], text: string): readonly Command[] {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  const found = all.filter(({ label, kind, words: more = '' }) => {
    const searched = `${label} ${kind} ${more}`.toLowerCase();
    return words.every((word) => searched.includes(word));
  });
  const begins = ({ label }: Command): number => (label.toLowerCase().startsWith(text.toLowerCase()) ? 0 : 1);
  return found.toSorted((a, b) => begins(a) - begins(b)).slice(0, MAX_SHOWN);
}
