import { useQuery, useQueryClient } from '@tanstack/react-query';
import { Link, useNavigate, useParams, useSearch } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import { keys } from '../data/keys.ts';
import { updateVirtualKey, virtualKeyQuery, type VirtualKey } from '../data/virtual-keys.ts';
import { useSession } from '../shell/session-context.tsx';
import { Badge } from '../ui/badge.tsx';
import { useForm } from '../ui/form.ts';
import { Page, Section } from '../ui/page.tsx';
import { SaveBar } from '../ui/save-bar.tsx';
import { Problem, Skeleton } from '../ui/states.tsx';
import { Tabs } from '../ui/tabs.tsx';
import { useToast } from '../ui/toast.tsx';
import { LimitsEditor } from './limits/limits-editor.tsx';
import { KEY_FIELDS, keyDraftOf, keyUpdate, type KeyTab } from './virtual-key/draft.ts';
import { ExplainTab } from './virtual-key/explain-tab.tsx';
import { KeyActions } from './virtual-key/key-actions.tsx';
import { KeyStateBadge } from './virtual-key/key-state.tsx';
import { ModelsTab } from './virtual-key/models-tab.tsx';
import { SettingsTab } from './virtual-key/settings-tab.tsx';
import { ToolsTab } from './virtual-key/tools-tab.tsx';

const FROM = '/_app/workspace/virtual-keys/$id' as const;

/** One virtual key: what it may call, how much, until when. */
export function VirtualKeyPage() {
  const { id } = useParams({ from: FROM });
  const { data, error, refetch } = useQuery(virtualKeyQuery(id));
  const problem = error !== null && <Problem error={error} onRetry={() => void refetch()} />;
  if (data !== undefined) return <Editor key={id} virtualKey={data} problem={problem} />;
  return (
    <Page title="Virtual key" above={<Back />}>
      {problem || <Skeleton rows={8} />}
    </Page>
  );
}

function Back() {
  return (
    <Link to="/workspace/virtual-keys" className="hover:text-ink hover:underline">
      Virtual keys
    </Link>
  );
}

interface EditorProps {
  readonly virtualKey: VirtualKey;
  /** Why it could not be read anew, such as that somebody has deleted it. */
  readonly problem: ReactNode;
}

function Editor({ virtualKey, problem }: EditorProps) {
  const { tab = 'tools' } = useSearch({ from: FROM });
  const navigate = useNavigate();
  const queries = useQueryClient();
  const toast = useToast();
  const { canWrite } = useSession();
  const form = useForm(keyDraftOf(virtualKey));
  const parts = { virtualKey, form, isDisabled: !canWrite };

  async function save(): Promise<void> {
    await form.save(async (changes) => {
      await updateVirtualKey(virtualKey.id, keyUpdate(changes));
      await queries.invalidateQueries({ queryKey: keys.virtualKeys });
      toast.done(`${form.draft.name} is saved.`);
    });
  }

  const mark = (name: KeyTab) =>
    KEY_FIELDS[name].some((field) => form.errorAt(field) !== undefined) ? <Badge tone="bad">check</Badge> : undefined;
  const contents: readonly (readonly [KeyTab, string, ReactNode])[] = [
    ['tools', 'Tools', <ToolsTab key="tools" {...parts} />],
    ['models', 'Models', <ModelsTab key="models" {...parts} />],
    [
      'limits',
      'Budgets and limits',
      <Section key="limits" title="Budgets and limits" text="What is used up is refused until the reset.">
        <LimitsEditor form={form} stored={virtualKey} isDisabled={!canWrite} />
      </Section>,
    ],
    ['settings', 'Settings', <SettingsTab key="settings" {...parts} />],
    ['explain', 'Why not?', <ExplainTab key="explain" virtualKey={virtualKey} />],
  ];

  return (
    <Page
      title={virtualKey.name}
      above={<Back />}
      beside={<KeyStateBadge virtualKey={virtualKey} />}
      actions={canWrite && <KeyActions virtualKey={virtualKey} />}
    >
      {problem}
      <Tabs
        label={`Parts of ${virtualKey.name}`}
        value={tab}
        onValue={(next) => void navigate({ to: '.', search: { tab: next }, replace: true })}
        tabs={contents.map(([value, label, content]) => ({ value, label, mark: mark(value), content }))}
      />
      <SaveBar form={form} fields={Object.values(KEY_FIELDS).flat()} onSave={() => void save()} />
    </Page>
  );
}
