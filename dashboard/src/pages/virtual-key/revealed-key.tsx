import type { VirtualKey } from '../../data/virtual-keys.ts';
import { Button } from '../../ui/button.tsx';
import { CodeBlock } from '../../ui/code-block.tsx';
import { Dialog } from '../../ui/dialog.tsx';
import { ConnectClient } from '../first-minute/connect-client.tsx';

/** Shows the value of a key that was just made, with what to paste where. */
export function RevealedKey({ virtualKey, onClose }: { virtualKey: VirtualKey; onClose: () => void }) {
  return (
    <Dialog
      isOpen
      onClose={onClose}
      title={`The value of "${virtualKey.name}"`}
      description="Copy it now: the dashboard does not show it again."
      actions={
        <Button look="primary" onClick={onClose}>
          I have copied it
        </Button>
      }
    >
      <div className="flex flex-col gap-4">
        <CodeBlock label="Value of the key" text={virtualKey.value} />
        <ConnectClient apiKey={virtualKey.value} />
      </div>
    </Dialog>
  );
}
