import { useQuery, useQueryClient } from '@tanstack/react-query';
import { Link, useNavigate, useParams } from '@tanstack/react-router';
import { useState, type ReactNode } from 'react';
import type { ProviderView } from '../../../src/contract/provider.ts';
import { keys } from '../data/keys.ts';
import { providerQuery, removeProvider, updateProvider } from '../data/providers.ts';
import { useSession } from '../shell/session-context.tsx';
import { Button } from '../ui/button.tsx';
import { Confirm } from '../ui/dialog.tsx';
import { useForm } from '../ui/form.ts';
import { Page } from '../ui/page.tsx';
import { SaveBar } from '../ui/save-bar.tsx';
import { Problem, Skeleton } from '../ui/states.tsx';
import { useToast } from '../ui/toast.tsx';
import { providerWord } from './provider/built-in.ts';
import { providerDraftOf, providerUpdate } from './provider/draft.ts';
import { KeyList } from './provider/key-list.tsx';
import { NetworkSection } from './provider/network-section.tsx';
import { OtherSection } from './provider/other-section.tsx';
import { ProviderBadge } from './providers.tsx';

/** One provider: its keys, and how it is reached. */
export function ProviderPage() {
  const { name } = useParams({ from: '/_app/workspace/providers/$name' });
  const { data, error, refetch } = useQuery(providerQuery(name));
  const problem = error !== null && <Problem error={error} onRetry={() => void refetch()} />;
  if (data !== undefined) return <Editor key={name} provider={data} problem={problem} />;
  return (
    <Page title={providerWord(name)} above={<Back />}>
      {problem || <Skeleton rows={8} />}
    </Page>
  );
}

function Back() {
  return (
    <Link to="/workspace/providers" className="hover:text-ink hover:underline">
      Providers
    </Link>
  );
}

interface EditorProps {
  readonly provider: ProviderView;
  /** Why it could not be read anew, such as that somebody has deleted it. */
  readonly problem: ReactNode;
}

function Editor({ provider, problem }: EditorProps) {
  const queries = useQueryClient();
  const toast = useToast();
  const { canWrite } = useSession();
  const form = useForm(providerDraftOf(provider));
  const parts = { form, isDisabled: !canWrite };

  async function save(): Promise<void> {
    await form.save(async (changes) => {
      // It takes all settings: those that were not changed here are sent as they are now.
      const now = await queries.fetchQuery({ ...providerQuery(provider.name), staleTime: 0 });
      await updateProvider(provider.name, providerUpdate({ ...providerDraftOf(now), ...changes }));
      await queries.invalidateQueries({ queryKey: keys.providers });
      toast.done(`${providerWord(provider.name)} is saved.`);
    });
  }

  return (
    <Page
      title={providerWord(provider.name)}
      above={<Back />}
      beside={<ProviderBadge provider={provider} />}
      actions={canWrite && <Delete provider={provider} />}
    >
      {problem}
      {provider.status !== '' && <p className="text-sm text-bad">{provider.status}</p>}
      <KeyList provider={provider} />
      <div className="grid items-start gap-4 lg:grid-cols-2">
        <NetworkSection {...parts} />
        <OtherSection {...parts} />
      </div>
      <SaveBar
        form={form}
        fields={['description', 'network_config', 'concurrency_and_buffer_size', 'custom_provider_config']}
        onSave={() => void save()}
      />
    </Page>
  );
}

function Delete({ provider: { name } }: { provider: ProviderView }) {
  const queries = useQueryClient();
  const navigate = useNavigate();
  const toast = useToast();
  const [isAsking, setAsking] = useState(false);
  return (
    <>
      <Button icon="trash" look="danger" onClick={() => setAsking(true)}>
        Delete
      </Button>
      <Confirm
        isOpen={isAsking}
        onClose={() => setAsking(false)}
        title={`Delete "${providerWord(name)}"?`}
        text="Nobody can use it from then on, and its keys are gone."
        verb="Delete"
        onConfirm={async () => {
          await removeProvider(name);
          toast.done(`${providerWord(name)} is deleted.`);
          await navigate({ to: '/workspace/providers', ignoreBlocker: true });
          await queries.invalidateQueries({ queryKey: keys.providers });
        }}
      />
    </>
  );
}
