import { useState } from 'react';
import { Button, IconButton } from '../../ui/button.tsx';
import { Field, Input } from '../../ui/field.tsx';
import { FormLines, FormSelect, FormText } from '../../ui/form-fields.tsx';
import { JsonEditor } from '../../ui/json-editor.tsx';
import { Section } from '../../ui/page.tsx';
import { AUTH_WORDS } from '../server-words.tsx';
import type { TabProps } from './draft.ts';
import { OwnCredentials } from './own-credentials.tsx';

const AUTH_TYPES = (['none', 'headers', 'oauth', 'per_user_oauth', 'per_user_headers', 'token_exchange'] as const).map(
  (value) => ({ value, label: AUTH_WORDS[value] }),
);

/** How the gateway proves itself to a server, and what of a caller it passes on. */
export function CredentialsTab(props: TabProps) {
  const { form, isDisabled } = props;
  const { draft, set, errorAt } = form;
  return (
    <div className="grid items-start gap-4 lg:grid-cols-2">
      <Section title="Sign-in">
        <FormSelect
          form={form}
          field="auth_type"
          label="How the gateway signs in"
          options={AUTH_TYPES}
          disabled={isDisabled}
        />
        {(draft.auth_type === 'oauth' || draft.auth_type === 'per_user_oauth') && <OAuth {...props} />}
        {draft.auth_type === 'per_user_headers' && (
          <FormLines
            form={form}
            field="per_user_header_keys"
            label="Headers that each user supplies"
            hint="One name a line."
            disabled={isDisabled}
          />
        )}
        {draft.auth_type === 'token_exchange' && (
          <Field label="Token exchange" hint="As JSON; empty texts mean the default." error={errorAt('token_exchange')}>
            <JsonEditor
              rows={12}
              value={draft.token_exchange}
              disabled={isDisabled}
              onValue={(value) => set('token_exchange', value as typeof draft.token_exchange)}
            />
          </Field>
        )}
        <OwnCredentials {...props} />
      </Section>
      <Section title="Headers" text="Sent with every request. A value, or env.NAME or file.PATH.">
        <Headers {...props} />
        <FormLines
          form={form}
          field="allowed_extra_headers"
          label="Headers of the caller that are passed on"
          hint="One name a line; * means all but credentials."
          disabled={isDisabled}
        />
      </Section>
    </div>
  );
}

function OAuth({ form, isDisabled }: TabProps) {
  const { draft, set, errorAt } = form;
  return (
    <>
      <FormText
        form={form}
        field="oauth_config_id"
        label="OAuth configuration in use"
        hint="Its id. Another one that was signed in to may take its place."
        isMono
        disabled={isDisabled}
      />
      <Field
        label="Sign in anew with"
        hint='JSON such as {} to find everything out, or {"client_id": …, "scopes": […]}. Saving opens the sign-in page.'
        error={errorAt('oauth_config')}
      >
        <JsonEditor
          value={draft.oauth_config}
          disabled={isDisabled}
          onValue={(value) => set('oauth_config', value as typeof draft.oauth_config)}
        />
      </Field>
    </>
  );
}

/** Rows of name and value. They are kept as rows while they are typed: two of them may have the same name for a moment. */
function Headers({ form: { draft, set, errorAt }, isDisabled }: TabProps) {
  const [rows, setRows] = useState<readonly (readonly [string, string])[]>();
  // After saving or discarding, what is stored shows again.
  const isCurrent = rows !== undefined && JSON.stringify(recordOf(rows)) === JSON.stringify(draft.headers);
  const shown = isCurrent ? rows : Object.entries(draft.headers);
  const fault = errorAt('headers');
  function change(next: readonly (readonly [string, string])[]): void {
    setRows(next);
    set('headers', recordOf(next));
  }
  const replace = (index: number, row: readonly [string, string]): void =>
    change(shown.map((former, at) => (at === index ? row : former)));
  return (
    <div className="flex flex-col gap-2" role="group" aria-label="Headers">
      {shown.map(([name, value], index) => (
        <div key={index} className="flex items-center gap-2">
          <Input
            isMono
            aria-label={`Name of header ${index + 1}`}
            placeholder="Authorization"
            value={name}
            disabled={isDisabled}
            onText={(text) => replace(index, [text, value])}
          />
          <Input
            isMono
            aria-label={`Value of header ${index + 1}`}
            placeholder="env.TOKEN"
            value={value}
            disabled={isDisabled}
            onText={(text) => replace(index, [name, text])}
          />
          <IconButton
            icon="trash"
            label={`Remove header ${index + 1}`}
            disabled={isDisabled}
            onClick={() => change(shown.filter((_, at) => at !== index))}
          />
        </div>
      ))}
      {fault !== undefined && (
        <p role="alert" className="text-sm text-bad">
          {fault}
        </p>
      )}
      <div>
        <Button icon="plus" disabled={isDisabled} onClick={() => setRows([...shown, ['', '']])}>
          Add a header
        </Button>
      </div>
    </div>
  );
}

function recordOf(rows: readonly (readonly [string, string])[]): Record<string, string> {
  return Object.fromEntries(rows.filter(([name]) => name !== ''));
}
