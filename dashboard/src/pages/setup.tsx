import { useQuery, useQueryClient } from '@tanstack/react-query';
import { Link, useNavigate } from '@tanstack/react-router';
import { authStatusQuery, logIn, setUp } from '../data/session.ts';
import { Button } from '../ui/button.tsx';
import { Field, Input } from '../ui/field.tsx';
import { FormText } from '../ui/form-fields.tsx';
import { useForm } from '../ui/form.ts';
import { Problem } from '../ui/states.tsx';
import { PASSWORD_HINT } from './password-hint.ts';
import { SignInFrame } from './sign-in-frame.tsx';

const EMPTY = { proof: '', username: 'admin', password: '' };

/** Makes the first admin account. */
export function SetupPage() {
  const { data: status } = useQuery(authStatusQuery);
  const queries = useQueryClient();
  const navigate = useNavigate();
  const form = useForm(EMPTY);
  const { proof, username, password } = form.draft;

  async function submit(): Promise<void> {
    const isDone = await form.save(async () => {
      await setUp({ proof: proof.trim(), username, password });
      await logIn(username, password);
    });
    if (!isDone) return;
    queries.clear();
    await navigate({ to: '/' });
  }

  if (status?.is_setup_needed === false) {
    return (
      <SignInFrame title="Already set up" text="This gateway has an admin account.">
        <Link to="/login" className="font-medium text-accent underline">
          Sign in
        </Link>
      </SignInFrame>
    );
  }
  return (
    <SignInFrame title="Welcome to Asbru" text="Create the admin account of this gateway. It takes a minute.">
      <form
        className="flex flex-col gap-4"
        onSubmit={(event) => {
          event.preventDefault();
          void submit();
        }}
      >
        <Field
          label="Admin API key or setup token"
          hint="The key was printed when the gateway first started, or is your ASBRU_API_KEY; the token is your ASBRU_SETUP_TOKEN."
          error={form.errorAt('setup_token')}
        >
          <Input
            type="password"
            value={proof}
            onText={(text) => form.set('proof', text)}
            autoComplete="off"
            required
            autoFocus
          />
        </Field>
        <FormText form={form} field="username" label="User name" autoComplete="username" required />
        <FormText
          form={form}
          field="password"
          label="Password"
          hint={PASSWORD_HINT}
          type="password"
          autoComplete="new-password"
          required
        />
        {form.error !== undefined && Object.keys(form.error.fields).length === 0 && <Problem error={form.error} />}
        <Button type="submit" look="primary" isBusy={form.isSaving}>
          Create the account
        </Button>
      </form>
    </SignInFrame>
  );
}
