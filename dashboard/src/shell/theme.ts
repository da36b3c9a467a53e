import { useSyncExternalStore } from 'react';

/** The theme on the screen. index.html sets it before the first paint. */
export type Theme = 'light' | 'dark';

const CHANGED = 'asbru-theme';
const system = matchMedia('(prefers-color-scheme: dark)');
system.addEventListener('change', () => {
  if (localStorage.getItem('theme') === null) show(system.matches ? 'dark' : 'light');
});

/** The theme, and what switches it. The choice of the system stands until somebody makes one here. */
export function useTheme(): { theme: Theme; switchTheme: () => void } {
  const theme = useSyncExternalStore(
    (listener) => {
      addEventListener(CHANGED, listener);
      return () => removeEventListener(CHANGED, listener);
    },
    () => (document.documentElement.dataset.theme === 'dark' ? 'dark' : 'light'),
  );
  return { theme, switchTheme };
}

function switchTheme(): void {
  const next = document.documentElement.dataset.theme === 'dark' ? 'light' : 'dark';
  // Back at what the system says: follow it again.
  if ((next === 'dark') === system.matches) localStorage.removeItem('theme');
  else localStorage.setItem('theme', next);
  show(next);
}

function show(theme: Theme): void {
  document.documentElement.dataset.theme = theme;
  dispatchEvent(new Event(CHANGED));
}
