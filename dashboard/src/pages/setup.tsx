import { useQuery, useQueryClient } from '@tanstack/react-query';
import { Link, useNavigate } from '@tanstack/react-router';
import { authStatusQuery, logIn, setUp } from '../data/session.ts';
import { Button } from '../ui/button.tsx';
import { Field, Input } from '../ui/field.tsx';
import { useForm } from '../ui/form.ts';
import { Problem } from '../ui/states.tsx';
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
        <Field label="User name" error={form.errorAt('username')}>
          <Input value={username} onText={(text) => form.set('username', text)} autoComplete="username" required />
        </Field>
        <Field
          label="Password"
          hint="At least 12 characters, with upper case, lower case, a digit and a symbol."
          error={form.errorAt('password')}
        >
          <Input
            type="password"
            value={password}
            onText={(text) => form.set('password', text)}
            autoComplete="new-password"
            required
          />
        </Field>
        {form.error !== undefined && Object.keys(form.error.fields).length === 0 && <Problem error={form.error} />}
        <Button type="submit" look="primary" isBusy={form.isSaving}>
          Create the account
        </Button>
      </form>
    </SignInFrame>
  );
}
