import { useQuery, useQueryClient } from '@tanstack/react-query';
import { Link, useNavigate, useParams, useSearch } from '@tanstack/react-router';
import { useState, type ReactNode } from 'react';
import type { McpClientUpdate, McpClientView } from '../../../src/contract/mcp-client.ts';
import { keys } from '../data/keys.ts';
import { removeServer, runServerAction, serverQuery, updateServer } from '../data/servers.ts';
import type { SignIn } from '../data/sign-ins.ts';
import { useSession } from '../shell/session-context.tsx';
import { Badge } from '../ui/badge.tsx';
import { Button } from '../ui/button.tsx';
import { Confirm } from '../ui/dialog.tsx';
import { useForm } from '../ui/form.ts';
import { Page } from '../ui/page.tsx';
import { SaveBar } from '../ui/save-bar.tsx';
import { Problem, Skeleton } from '../ui/states.tsx';
import { Tabs } from '../ui/tabs.tsx';
import { useToast } from '../ui/toast.tsx';
import { McpLogs } from './mcp-logs/mcp-logs.tsx';
import { AccessTab } from './server/access-tab.tsx';
import { ConnectionTab } from './server/connection-tab.tsx';
import { CredentialsTab } from './server/credentials-tab.tsx';
import { draftOf, FIELDS_OF_TAB, toUpdate } from './server/draft.ts';
import { HealthTab } from './server/health-tab.tsx';
import { ToolsTab } from './server/tools-tab.tsx';
import type { ServerTab } from './server-search.ts';
import { isPerUser, StateBadge, timeText } from './server-words.tsx';
import { SignInButton, SignInDialog, signInOf, usesSignIn } from './sign-in-dialog.tsx';

const FROM = '/_app/workspace/mcp-registry/$id' as const;

/** One server: its tools, how it is reached, who may use it. */
export function ServerPage() {
  const { id } = useParams({ from: FROM });
  const { data: server, error, refetch } = useQuery(serverQuery(id));
  const problem = error !== null && <Problem error={error} onRetry={() => void refetch()} />;
  if (server !== undefined) return <Editor key={id} server={server} problem={problem} />;
  return (
    <Page title={id} above={<Back />}>
      {problem || <Skeleton rows={8} />}
    </Page>
  );
}

function Back() {
  return (
    <Link to="/workspace/mcp-registry" className="hover:text-ink hover:underline">
      MCP servers
    </Link>
  );
}

interface EditorProps {
  readonly server: McpClientView;
  /** Why it could not be read anew, such as that somebody has deleted it. */
  readonly problem: ReactNode;
}

function Editor({ server, problem }: EditorProps) {
  const { config } = server;
  const { tab = 'tools' } = useSearch({ from: FROM });
  const navigate = useNavigate();
  const queries = useQueryClient();
  const toast = useToast();
  const { canWrite } = useSession();
  const form = useForm(draftOf(server));
  const [signIn, setSignIn] = useState<SignIn>();
  const open = (next: ServerTab): void => void navigate({ to: '.', search: { tab: next }, replace: true });
  const parts = { server, form, isDisabled: !canWrite };

  async function save(): Promise<void> {
    await form.save(async (changes) => {
      const update: McpClientUpdate = toUpdate(changes);
      const written = await updateServer(config.client_id, update);
      await queries.invalidateQueries({ queryKey: keys.servers });
      setSignIn(signInOf(written, config));
      toast.done(written.message);
    });
  }

  const mark = (name: ServerTab) =>
    FIELDS_OF_TAB[name].some((field) => form.errorAt(field) !== undefined) ? (
      <Badge tone="bad">check</Badge>
    ) : undefined;

  return (
    <Page
      title={config.name}
      above={<Back />}
      beside={isPerUser(config.auth_type) ? <Badge tone="accent">per user</Badge> : <StateBadge server={server} />}
      actions={canWrite && <Actions server={server} />}
    >
      {problem}
      <Failure server={server} />
      <Tabs
        label={`Parts of ${config.name}`}
        value={tab}
        onValue={open}
        tabs={[
          {
            value: 'tools',
            label: 'Tools',
            mark: mark('tools') ?? <Badge>{server.tools.length}</Badge>,
            content: <ToolsTab {...parts} />,
          },
          {
            value: 'connection',
            label: 'Connection',
            mark: mark('connection'),
            content: <ConnectionTab {...parts} />,
          },
          {
            value: 'credentials',
            label: 'Credentials',
            mark: mark('credentials'),
            content: <CredentialsTab {...parts} />,
          },
          { value: 'access', label: 'Access', mark: mark('access'), content: <AccessTab {...parts} /> },
          { value: 'health', label: 'Health', content: <HealthTab server={server} /> },
          { value: 'logs', label: 'Logs', content: <Logs name={config.name} /> },
        ]}
      />
      <SaveBar form={form} fields={Object.values(FIELDS_OF_TAB).flat()} onSave={() => void save()} />
      <SignInDialog signIn={signIn && { ...signIn, name: config.name }} onClose={() => setSignIn(undefined)} />
    </Page>
  );
}

/** The calls of this server. */
function Logs({ name }: { name: string }) {
  const search = useSearch({ from: FROM });
  const navigate = useNavigate();
  return (
    <div className="flex flex-col gap-4">
      <McpLogs
        server={name}
        search={search}
        onSearch={(change) => void navigate({ to: '.', search: { ...search, ...change }, replace: true })}
        onClear={() => void navigate({ to: '.', search: { tab: 'logs' } })}
      />
    </div>
  );
}

function Failure({ server: { state, last_failure: failure } }: { server: McpClientView }) {
  if (failure === undefined || state === 'connected' || state === 'disabled') return null;
  return (
    <div className="rounded-md bg-bad-soft px-3 py-2 text-sm text-bad">
      <p className="font-medium break-words">{failure.message}</p>
      <p>
        While: {failure.stage.replaceAll('_', ' ')}. Since {timeText(failure.since)}, last tried {timeText(failure.at)}.
      </p>
    </div>
  );
}

function Actions({ server }: { server: McpClientView }) {
  const { config, state } = server;
  const queries = useQueryClient();
  const navigate = useNavigate();
  const toast = useToast();
  const [isDeleting, setDeleting] = useState(false);
  const [busy, setBusy] = useState('');

  async function run(action: Parameters<typeof runServerAction>[1]): Promise<void> {
    setBusy(action);
    try {
      const written = await runServerAction(config.client_id, action);
      toast.done(written.message);
    } catch (error) {
      toast.failed(error);
    }
    setBusy('');
    await queries.invalidateQueries({ queryKey: keys.servers });
  }

  const isOff = config.disabled || state === 'pending_verification' || isPerUser(config.auth_type);
  return (
    <>
      {usesSignIn(config) && <SignInButton server={server} />}
      <Button icon="refresh" disabled={isOff} isBusy={busy === 'reconnect'} onClick={() => void run('reconnect')}>
        Reconnect
      </Button>
      <Button icon="trash" look="danger" onClick={() => setDeleting(true)}>
        Delete
      </Button>
      <Confirm
        isOpen={isDeleting}
        onClose={() => setDeleting(false)}
        title={`Delete "${config.name}"?`}
        text="Its tools vanish for every client at once, and its settings and credentials are gone. Its logs stay."
        verb="Delete"
        onConfirm={async () => {
          await removeServer(config.client_id);
          toast.done(`${config.name} is deleted.`);
          await navigate({ to: '/workspace/mcp-registry', ignoreBlocker: true });
          await queries.invalidateQueries({ queryKey: keys.servers });
        }}
      />
    </>
  );
}
