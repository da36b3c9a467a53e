import type { SettingsStore } from '../store/settings.ts';

/** How people sign in, apart from the accounts themselves. */
export interface AuthSettings {
  /** False: nobody signs in with a password. API keys and single sign-on are not affected. */
  readonly is_enabled: boolean;
  /** The account that `auth_config` names. */
  readonly admin_user_id: string | null;
  /** `env.NAME` where the password of that account comes from the environment, else empty. */
  readonly admin_password_ref: string;
}

const KEY = 'auth_config';
const DEFAULTS: AuthSettings = { is_enabled: true, admin_user_id: null, admin_password_ref: '' };

/** Read at each sign-in, so that there is no moment in which a process believes what is no longer so. */
export async function loadAuthSettings(settings: Pick<SettingsStore, 'get'>): Promise<AuthSettings> {
  return { ...DEFAULTS, ...((await settings.get(KEY)) as Partial<AuthSettings> | undefined) }; // written by the function below
}

export async function saveAuthSettings(
  settings: Pick<SettingsStore, 'get' | 'put'>,
  patch: Partial<AuthSettings>,
): Promise<void> {
  await settings.put(KEY, { ...(await loadAuthSettings(settings)), ...patch });
}
