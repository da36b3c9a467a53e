import { Dialog as Base } from '@base-ui/react/dialog';
import type { ReactNode } from 'react';
import { useState } from 'react';
import { toApiError } from '../api.ts';
import { Button, IconButton } from './button.tsx';
import { classes } from './classes.ts';
import { Problem } from './states.tsx';

interface DialogProps {
  readonly isOpen: boolean;
  readonly onClose: () => void;
  readonly title: string;
  readonly description?: string;
  readonly children?: ReactNode;
  /** Buttons at the bottom, the most important one last. */
  readonly actions?: ReactNode;
}

const BACKDROP = 'fixed inset-0 z-40 bg-shade';

/** A window over the page; Escape closes it and the focus goes back. */
export function Dialog(props: DialogProps) {
  return (
    <Frame
      {...props}
      place="top-[10dvh] left-1/2 w-[min(36rem,calc(100vw-2rem))] max-h-[80dvh] -translate-x-1/2 rounded-lg border"
    />
  );
}

/** A window from the right, for one thing of a list; it fills a phone. */
export function Drawer(props: DialogProps) {
  return <Frame {...props} place="inset-y-0 right-0 w-[min(42rem,100vw)] border-l" />;
}

function Frame({ isOpen, onClose, title, description, children, actions, place }: DialogProps & { place: string }) {
  return (
    <Base.Root open={isOpen} onOpenChange={(open) => !open && onClose()}>
      <Base.Portal>
        <Base.Backdrop className={BACKDROP} />
        <Base.Popup className={classes('fixed z-50 flex flex-col bg-surface text-ink shadow-xl outline-none', place)}>
          <header className="flex items-start gap-3 border-b px-4 py-3">
            <div className="min-w-0 flex-1">
              <Base.Title className="text-base font-semibold">{title}</Base.Title>
              {description !== undefined && (
                <Base.Description className="mt-0.5 text-sm text-muted">{description}</Base.Description>
              )}
            </div>
            <IconButton icon="close" label="Close" onClick={onClose} />
          </header>
          {children !== undefined && <div className="min-h-0 flex-1 overflow-auto p-4">{children}</div>}
          {actions !== undefined && <footer className="flex justify-end gap-2 border-t px-4 py-3">{actions}</footer>}
        </Base.Popup>
      </Base.Portal>
    </Base.Root>
  );
}

interface ConfirmProps {
  readonly isOpen: boolean;
  readonly onClose: () => void;
  /** A question that names the thing: Delete "tracker"? */
  readonly title: string;
  /** What will be gone and what stays. */
  readonly text: string;
  /** The verb on the button. */
  readonly verb: string;
  /** What the other button says. */
  readonly cancel?: string;
  /** A rejection shows in the dialog, which stays open. */
  readonly onConfirm: () => Promise<unknown>;
}

/** Asks before something that cannot be taken back. */
export function Confirm({ isOpen, onClose, title, text, verb, cancel = 'Cancel', onConfirm }: ConfirmProps) {
  const [state, setState] = useState<{ isBusy: boolean; error?: unknown }>({ isBusy: false });
  // The next question may be about another thing: what went wrong with this one does not belong there.
  function close(): void {
    setState({ isBusy: false });
    onClose();
  }
  async function run(): Promise<void> {
    setState({ isBusy: true });
    try {
      await onConfirm();
      close();
    } catch (error) {
      setState({ isBusy: false, error });
    }
  }
  return (
    <Dialog
      isOpen={isOpen}
      // What has begun is waited for: its outcome must not close or fill another question.
      onClose={() => state.isBusy || close()}
      title={title}
      actions={
        <>
          <Button disabled={state.isBusy} onClick={close}>
            {cancel}
          </Button>
          <Button look="danger" isBusy={state.isBusy} onClick={() => void run()}>
            {verb}
          </Button>
        </>
      }
    >
      <p>{text}</p>
      {state.error !== undefined && <Problem error={toApiError(state.error)} />}
    </Dialog>
  );
}
