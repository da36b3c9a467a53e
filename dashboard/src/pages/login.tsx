import { useQuery, useQueryClient } from '@tanstack/react-query';
import { Link, useNavigate, useSearch } from '@tanstack/react-router';
import { authStatusQuery, logIn } from '../data/session.ts';
import { Button, buttonClasses } from '../ui/button.tsx';
import { FormText } from '../ui/form-fields.tsx';
import { useForm } from '../ui/form.ts';
import { Problem } from '../ui/states.tsx';
import { SignInFrame } from './sign-in-frame.tsx';

const EMPTY = { username: '', password: '' };

/** Signs in with a name and a password, or at the identity provider. */
export function LoginPage() {
  const { next = '/' } = useSearch({ from: '/login' });
  const { data: status, error } = useQuery(authStatusQuery);
  const queries = useQueryClient();
  const navigate = useNavigate();
  const form = useForm(EMPTY);
  const { username, password } = form.draft;

  async function submit(): Promise<void> {
    if (!(await form.save(() => logIn(username, password)))) return;
    queries.clear();
    await navigate({ href: next });
  }

  return (
    <SignInFrame title="Sign in" text="to this gateway's dashboard.">
      {error !== null && <Problem error={error} />}
      {status?.is_sso_enabled === true && (
        <a
          href={`/api/session/sso/login?return_to=${encodeURIComponent(next)}`}
          className={`${buttonClasses('primary')} w-full`}
        >
          Sign in with single sign-on
        </a>
      )}
      {status?.auth_type !== 'sso' && (
        <form
          className="flex flex-col gap-4 not-first:mt-4"
          onSubmit={(event) => {
            event.preventDefault();
            void submit();
          }}
        >
          <FormText form={form} field="username" label="User name" autoComplete="username" required autoFocus />
          <FormText
            form={form}
            field="password"
            label="Password"
            type="password"
            autoComplete="current-password"
            required
          />
          {form.error !== undefined && <Problem error={form.error} />}
          <Button type="submit" look={status?.is_sso_enabled === true ? 'secondary' : 'primary'} isBusy={form.isSaving}>
            Sign in
          </Button>
        </form>
      )}
      {status?.is_setup_needed === true && (
        <p className="mt-4 text-sm text-muted">
          There is no admin account yet.{' '}
          <Link to="/setup" className="font-medium text-accent underline">
            Create it
          </Link>
        </p>
      )}
    </SignInFrame>
  );
}
