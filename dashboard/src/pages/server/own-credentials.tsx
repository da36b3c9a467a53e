import { Field, Input } from '../../ui/field.tsx';
import type { TabProps } from './draft.ts';

const ONCE = 'To list the tools once, when you save; it is not kept.';

/** What an administrator lists the tools of a per-user server with. */
export function OwnCredentials(props: TabProps) {
  const { auth_type } = props.form.draft;
  if (auth_type === 'per_user_headers') return <OwnHeaders {...props} />;
  return auth_type === 'token_exchange' ? <OwnToken {...props} /> : null;
}

function OwnHeaders({ form, isDisabled }: TabProps) {
  const { user_headers, per_user_header_keys } = form.draft;
  function enter(name: string, text: string): void {
    const { [name]: _former, ...others } = user_headers;
    form.set('user_headers', text === '' ? others : { ...others, [name]: text });
  }
  return per_user_header_keys.filter(Boolean).map((name) => (
    <Field key={name} label={`Your ${name}`} hint={ONCE} error={form.errorAt('user_headers')}>
      <Input
        type="password"
        autoComplete="off"
        value={user_headers[name] ?? ''}
        disabled={isDisabled}
        onText={(text) => enter(name, text)}
      />
    </Field>
  ));
}

function OwnToken({ form, isDisabled }: TabProps) {
  return (
    <Field label="A token of yours" hint={ONCE} error={form.errorAt('subject_token')}>
      <Input
        type="password"
        autoComplete="off"
        value={form.draft.subject_token}
        disabled={isDisabled}
        onText={(text) => form.set('subject_token', text)}
      />
    </Field>
  );
}
