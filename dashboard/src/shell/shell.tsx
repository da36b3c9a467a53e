import { useQuery, useQueryClient } from '@tanstack/react-query';
import { Link, Outlet, useNavigate, useRouter, useRouterState } from '@tanstack/react-router';
import { useCallback, useEffect, useState } from 'react';
import { logOut, meQuery, versionQuery } from '../data/session.ts';
import { Button, IconButton } from '../ui/button.tsx';
import { classes } from '../ui/classes.ts';
import { Icon } from '../ui/icon.tsx';
import { useToast } from '../ui/toast.tsx';
import { hasDrafts } from '../ui/unsaved.tsx';
import { ErrorBoundary } from './error-boundary.tsx';
import { LiveIndicator, LiveProvider } from './live-context.tsx';
import { NAVIGATION, type NavigationEntry } from './navigation.ts';
import { Palette, type Command } from './palette.tsx';
import { SessionOver } from './session-over.tsx';
import { sessionOf, SessionProvider, useSession } from './session-context.tsx';
import { useTheme } from './theme.ts';

/** What stands around every page of somebody who is signed in. */
export function Shell() {
  const { data: now } = useQuery(meQuery);
  const [person, setPerson] = useState(now);
  if (now && now !== person) setPerson(now);
  const router = useRouter();
  // The route has let nobody else in. When the session ends meanwhile, it leads to the sign-in, unless a draft would be lost.
  const isOver = now === null;
  const canStay = isOver && hasDrafts();
  const leave = useCallback(() => void router.invalidate(), [router]);
  useEffect(() => {
    if (isOver && !canStay) leave();
  }, [isOver, canStay, leave]);
  if (!person || (isOver && !canStay)) return null;
  return (
    <SessionProvider value={sessionOf(person)}>
      <LiveProvider>
        <Frame />
        {isOver && <SessionOver onLeave={leave} />}
      </LiveProvider>
    </SessionProvider>
  );
}

function Frame() {
  const [isNarrow, setNarrow] = useState(() => localStorage.getItem('nav') === 'narrow');
  const [isMenuOpen, setMenuOpen] = useState(false);
  const path = useRouterState({ select: ({ location }) => location.pathname });
  useEffect(() => setMenuOpen(false), [path]);

  function toggle(): void {
    localStorage.setItem('nav', isNarrow ? 'wide' : 'narrow');
    setNarrow(!isNarrow);
  }

  return (
    <div className="flex min-h-dvh max-md:flex-col">
      <a
        href="#main"
        className="sr-only z-50 rounded-md bg-accent px-3 py-2 text-on-accent focus:not-sr-only focus:fixed focus:top-2 focus:left-2"
      >
        Skip to the content
      </a>
      <aside
        className={classes(
          'flex shrink-0 flex-col border-r bg-surface md:sticky md:top-0 md:h-dvh',
          'max-md:border-r-0 max-md:border-b',
          isNarrow ? 'md:w-14' : 'md:w-56',
        )}
      >
        <div className="flex h-12 items-center gap-2 px-3">
          <div className="md:hidden">
            <IconButton
              icon={isMenuOpen ? 'close' : 'menu'}
              label={isMenuOpen ? 'Close the menu' : 'Open the menu'}
              aria-expanded={isMenuOpen}
              onClick={() => setMenuOpen(!isMenuOpen)}
            />
          </div>
          <Brand isNarrow={isNarrow} />
          <div className="ml-auto md:hidden">
            <LiveIndicator />
          </div>
        </div>
        <div className={classes('min-h-0 flex-1 flex-col', isMenuOpen ? 'flex' : 'hidden md:flex')}>
          <Menu isNarrow={isNarrow} onToggle={toggle} />
        </div>
      </aside>
      <main id="main" tabIndex={-1} className="min-w-0 flex-1 outline-none">
        <ErrorBoundary key={path}>
          <Outlet />
        </ErrorBoundary>
      </main>
    </div>
  );
}

function Brand({ isNarrow }: { isNarrow: boolean }) {
  return (
    <Link to="/" className="flex items-center gap-2 rounded font-semibold" aria-label="Asbru, home">
      <Bridge />
      <span className={classes(isNarrow && 'md:hidden')}>Asbru</span>
    </Link>
  );
}

/** The bridge of three colours. */
export function Bridge() {
  return (
    <svg viewBox="0 0 32 26" aria-hidden="true" className="w-7 fill-none" strokeWidth="3" strokeLinecap="round">
      <path d="M4 23a12 12 0 0 1 24 0" className="stroke-accent" />
      <path d="M9 23a7 7 0 0 1 14 0" className="stroke-good" />
      <path d="M14 23a2 2 0 0 1 4 0" className="stroke-warn" />
    </svg>
  );
}

function Menu({ isNarrow, onToggle }: { isNarrow: boolean; onToggle: () => void }) {
  const { isAdmin } = useSession();
  const [palette, setPalette] = useState({ isOpen: false, opening: 0 });
  const openPalette = (): void => setPalette((now) => (now.isOpen ? now : { isOpen: true, opening: now.opening + 1 }));
  const { switchTheme, theme } = useTheme();
  const signOut = useSignOut();
  useEffect(() => {
    const open = (event: KeyboardEvent): void => {
      if (event.key.toLowerCase() !== 'k' || !(event.metaKey || event.ctrlKey)) return;
      event.preventDefault();
      openPalette();
    };
    addEventListener('keydown', open);
    return () => removeEventListener('keydown', open);
  }, []);
  const actions: readonly Command[] = [
    { id: 'theme', label: 'Switch between light and dark', kind: 'Action', icon: 'moon', run: switchTheme },
    { id: 'exit', label: 'Sign out', kind: 'Action', icon: 'exit', words: 'log out', run: signOut },
  ];
  const entries = NAVIGATION.filter(({ isForAdmins }) => isForAdmins !== true || isAdmin);
  return (
    <>
      <div className="px-2 pb-2">
        <button
          type="button"
          aria-label={isNarrow ? 'Go to …' : undefined}
          aria-keyshortcuts="Control+K Meta+K"
          onClick={openPalette}
          className="flex h-8 w-full items-center gap-2 rounded-md border bg-canvas px-2 text-sm text-muted hover:text-ink"
        >
          <Icon name="search" />
          <span className={classes('flex-1 text-left', isNarrow && 'md:hidden')}>Go to …</span>
          <kbd aria-hidden="true" className={classes('font-sans text-xs', isNarrow && 'md:hidden')}>
            Ctrl K
          </kbd>
        </button>
      </div>
      <nav aria-label="Pages" className="min-h-0 flex-1 overflow-y-auto px-2 pb-2">
        {Object.entries(Object.groupBy(entries, ({ group }) => group)).map(([group, members = []]) => (
          <div key={group} className="pt-2">
            <h2 className={classes('px-2 pb-1 text-xs font-medium text-muted', isNarrow && 'md:sr-only')}>{group}</h2>
            <ul>
              {members.map((entry) => (
                <li key={entry.to}>
                  <Entry entry={entry} isNarrow={isNarrow} />
                </li>
              ))}
            </ul>
          </div>
        ))}
      </nav>
      <Account isNarrow={isNarrow} onSignOut={signOut} />
      <div className={classes('flex items-center gap-1 border-t p-2', isNarrow && 'md:flex-col')}>
        <div className="max-md:hidden">
          <IconButton icon="collapse" label={isNarrow ? 'Widen the menu' : 'Narrow the menu'} onClick={onToggle} />
        </div>
        <IconButton
          icon={theme === 'dark' ? 'sun' : 'moon'}
          label={theme === 'dark' ? 'Switch to light' : 'Switch to dark'}
          onClick={switchTheme}
        />
        {!isNarrow && (
          <div className="ml-auto max-md:hidden">
            <LiveIndicator />
          </div>
        )}
      </div>
      <Palette
        {...palette}
        onClose={() => setPalette((now) => ({ ...now, isOpen: false }))}
        actions={actions}
        isAdmin={isAdmin}
      />
    </>
  );
}

function Entry({ entry: { to, label, icon }, isNarrow }: { entry: NavigationEntry; isNarrow: boolean }) {
  return (
    <Link
      to={to}
      title={isNarrow ? label : undefined}
      className="flex h-8 items-center gap-2.5 rounded-md px-2 text-muted outline-offset-[-2px] hover:bg-raised hover:text-ink aria-[current=page]:bg-accent-soft aria-[current=page]:font-medium aria-[current=page]:text-accent"
    >
      <Icon name={icon} />
      <span className={classes(isNarrow && 'md:sr-only')}>{label}</span>
    </Link>
  );
}

function Account({ isNarrow, onSignOut }: { isNarrow: boolean; onSignOut: () => void }) {
  const { person } = useSession();
  const { data: version } = useQuery(versionQuery);
  return (
    <div className={classes('flex items-center gap-2 border-t px-3 py-2', isNarrow && 'md:hidden')}>
      <div className="min-w-0 flex-1">
        <p className="truncate text-sm font-medium">{person.name}</p>
        <p className="truncate text-xs text-muted">
          {person.user?.role ?? 'API key'}
          {version !== undefined && ` · v${version}`}
        </p>
      </div>
      <Button look="quiet" icon="exit" onClick={onSignOut}>
        Sign out
      </Button>
    </div>
  );
}

function useSignOut(): () => void {
  const queries = useQueryClient();
  const navigate = useNavigate();
  const toast = useToast();
  return () => {
    logOut().then(async (elsewhere) => {
      queries.clear();
      if (elsewhere !== undefined) location.assign(elsewhere);
      else await navigate({ to: '/login' });
    }, toast.failed);
  };
}
