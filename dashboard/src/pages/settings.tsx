import { useNavigate, useSearch } from '@tanstack/react-router';
import { useSession } from '../shell/session-context.tsx';
import { Page } from '../ui/page.tsx';
import { Tabs, type Tab } from '../ui/tabs.tsx';
import { AccountsTab } from './settings/accounts.tsx';
import { ApiKeysTab } from './settings/api-keys.tsx';
import { ClientSignInsTab } from './settings/client-sign-ins.tsx';
import { GeneralTab } from './settings/general.tsx';
import { OwnPasswordTab } from './settings/own-password.tsx';
import type { SettingsTab } from './settings/tabs.ts';

/** How the gateway behaves, and who may change it. */
export function SettingsPage() {
  const { tab = 'general' } = useSearch({ from: '/_app/workspace/settings' });
  const navigate = useNavigate();
  const { isAdmin } = useSession();
  const tabs: readonly Tab<SettingsTab>[] = [
    { value: 'general', label: 'Gateway', content: <GeneralTab /> },
    ...(isAdmin ? ADMIN_TABS : []),
    { value: 'clients', label: 'Clients signed in', content: <ClientSignInsTab /> },
    { value: 'password', label: 'Your password', content: <OwnPasswordTab /> },
  ];
  const shown = tabs.some(({ value }) => value === tab) ? tab : 'general';
  return (
    <Page title="Settings" text="They apply at once, without a restart.">
      <Tabs
        label="Settings"
        value={shown}
        tabs={tabs}
        onValue={(next) => void navigate({ to: '.', search: next === 'general' ? {} : { tab: next }, replace: true })}
      />
    </Page>
  );
}

const ADMIN_TABS: readonly Tab<SettingsTab>[] = [
  { value: 'api-keys', label: 'API keys', content: <ApiKeysTab /> },
  { value: 'accounts', label: 'Accounts', content: <AccountsTab /> },
];
