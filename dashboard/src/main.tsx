import { CSPProvider } from '@base-ui/react/csp-provider';
import { Tooltip } from '@base-ui/react/tooltip';
import { MutationCache, QueryCache, QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { RouterProvider } from '@tanstack/react-router';
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { toApiError } from './api.ts';
import { keys } from './data/keys.ts';
import { createDashboardRouter } from './router.tsx';
import './styles.css';
import { ToastProvider } from './ui/toast.tsx';

const queries = new QueryClient({
  queryCache: new QueryCache({ onError: askWhoIsSignedIn }),
  mutationCache: new MutationCache({ onError: askWhoIsSignedIn }),
  defaultOptions: {
    queries: {
      staleTime: 5_000,
      // What the gateway refuses it will refuse again.
      retry: (count, error) => count < 2 && [0, 502, 503, 504].includes(toApiError(error).status),
    },
  },
});
const router = createDashboardRouter(queries);

/** The session may have ended, here or elsewhere: the shell leads to the sign-in, and from there to this page. */
function askWhoIsSignedIn(error: unknown): void {
  if (toApiError(error).status === 401) void queries.invalidateQueries({ queryKey: keys.me });
}

const element = document.querySelector('#root');
if (element === null) throw new Error('index.html has no #root');
createRoot(element).render(
  <StrictMode>
    <CSPProvider disableStyleElements>
      <QueryClientProvider client={queries}>
        <ToastProvider>
          <Tooltip.Provider>
            <RouterProvider router={router} />
          </Tooltip.Provider>
        </ToastProvider>
      </QueryClientProvider>
    </CSPProvider>
  </StrictMode>,
);
