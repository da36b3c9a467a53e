import { useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import type { Approval } from '../../../../src/contract/approval.ts';
import { toApiError } from '../../api.ts';
import { decideApproval } from '../../data/approvals.ts';
import { keys } from '../../data/keys.ts';
import { prettyJson } from '../../pretty-json.ts';
import { untilText } from '../../reset-time.ts';
import { useSession } from '../../shell/session-context.tsx';
import { Button } from '../../ui/button.tsx';
import { CodeBlock } from '../../ui/code-block.tsx';
import { Field, Input } from '../../ui/field.tsx';
import { FormProblem } from '../../ui/form-drawer.tsx';
import { useForm } from '../../ui/form.ts';
import { useToast } from '../../ui/toast.tsx';
import { useUnsaved } from '../../ui/unsaved.tsx';
import { timeText } from '../server-words.tsx';

const BLANK = { note: '' };

/** One call that waits: who calls what with which arguments, and the answer to it. */
export function WaitingCall({ approval }: { approval: Approval }) {
  const { id, tool, mcp_client_name: server, principal_name: caller, app, source } = approval;
  const queries = useQueryClient();
  const toast = useToast();
  const { canWrite } = useSession();
  const form = useForm(BLANK);
  const { question } = useUnsaved(form, 'tab');
  const [verdict, setVerdict] = useState<'approve' | 'deny'>();

  async function decide(next: 'approve' | 'deny'): Promise<void> {
    setVerdict(next);
    const isDone = await form.save(() =>
      decideApproval(id, next, form.draft.note).catch((error: unknown) => {
        // What somebody else has decided meanwhile is about to leave the list, and would take what is said here with it.
        if (toApiError(error).status !== 400) toast.failed(error);
        throw error;
      }),
    );
    if (isDone) toast.done(next === 'approve' ? `${tool} may run once.` : `${tool} is denied.`);
    await queries.invalidateQueries({ queryKey: keys.approvals });
  }

  return (
    <article aria-label={`${server}-${tool}`} className="flex flex-col gap-3 rounded-lg border bg-surface p-4">
      <header>
        <h2 className="font-mono text-sm font-semibold break-all">
          {server}-{tool}
        </h2>
        <p className="text-sm text-muted">
          {caller}
          {app === undefined ? '' : ` with ${app}`}, by {source}, {timeText(approval.created_at)}; expires{' '}
          {untilText(new Date(approval.expires_at))}
        </p>
      </header>
      <CodeBlock
        label="Arguments"
        text={approval.arguments === null ? 'The arguments are not kept.' : prettyJson(approval.arguments)}
      />
      {canWrite && (
        <div className="flex flex-wrap items-end gap-2">
          <div className="min-w-48 flex-1 max-sm:basis-full">
            <Field label="Note" error={form.errorAt('note')}>
              <Input
                value={form.draft.note}
                placeholder="Why; a caller who is denied reads it"
                onText={(text) => form.set('note', text)}
              />
            </Field>
          </div>
          <div className="flex gap-2">
            <Button look="danger" isBusy={form.isSaving && verdict === 'deny'} onClick={() => void decide('deny')}>
              Deny
            </Button>
            <Button
              look="primary"
              icon="check"
              isBusy={form.isSaving && verdict === 'approve'}
              onClick={() => void decide('approve')}
            >
              Approve
            </Button>
          </div>
        </div>
      )}
      <FormProblem form={form} fields={['note']} />
      {question}
    </article>
  );
}
