import { useQuery } from '@tanstack/react-query';
import { meQuery } from '../data/session.ts';
import { Button, buttonClasses } from '../ui/button.tsx';
import { Dialog } from '../ui/dialog.tsx';

const ASK_MS = 2_000;

/** The session has ended while something is typed: whoever signs in elsewhere goes on here. */
export function SessionOver({ onLeave }: { onLeave: () => void }) {
  useQuery({ ...meQuery, refetchInterval: ASK_MS });
  return (
    <Dialog
      isOpen
      onClose={() => {}}
      title="Your session has ended"
      actions={
        <>
          <Button onClick={onLeave}>Leave without saving</Button>
          <a href="/login" target="_blank" rel="noopener" className={buttonClasses('primary')}>
            Sign in in another tab
          </a>
        </>
      }
    >
      <p>What you have typed is still here. Sign in in another tab, then come back and save it.</p>
    </Dialog>
  );
}
