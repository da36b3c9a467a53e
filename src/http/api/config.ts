import { z } from 'zod';
import { Success } from '../../contract/common.ts';
import { AuthConfigInput, AuthConfigView } from '../../contract/auth.ts';
import { ClientSettings, ClientSettingsPatch } from '../../contract/client-settings.ts';
import { checkRole } from '../../governance/account-rules.ts';
import type { AuthConfig, WriteAuthConfig } from '../../governance/auth-config.ts';
import { ANONYMOUS, type Caller } from '../../governance/caller.ts';
import type { Actor } from '../../governance/audit.ts';
import { saveSettings } from '../../governance/save-settings.ts';
import type { AuditStore } from '../../store/audit.ts';
import type { Changes } from '../../store/changes.ts';
import type { SettingsStore } from '../../store/settings.ts';
import type { InTurn } from '../../store/write-lock.ts';
import type { Browser } from '../browser.ts';
import { checkBody, unknownFields } from '../check-input.ts';
import { route } from '../route.ts';
import type { Route } from '../route.ts';
import { success } from '../success.ts';
import { originOf, type Asked } from '../visitor.ts';

interface Deps {
  readonly settings: Pick<SettingsStore, 'with' | 'loadClientSettings'>;
  readonly changes: Pick<Changes, 'publish'>;
  readonly database: InTurn;
  readonly audit: Pick<AuditStore, 'with'>;
  readonly authConfig: AuthConfig;
  readonly browser: Pick<Browser, 'addressOf'>;
}

const ConfigView = z.object({
  client_config: ClientSettings,
  framework_config: z.object({}),
  auth_config: AuthConfigView.optional().meta({ description: 'Absent before there is an admin account.' }),
  is_db_connected: z.boolean(),
  is_cache_connected: z.boolean(),
  is_logs_connected: z.boolean(),
  proxy_config: z.null(),
  restart_required: z
    .object({ required: z.boolean() })
    .meta({ description: 'Always false: every setting here is applied live.' }),
});

/** The last field is of other gateways: here `enforce_auth_on_inference` of client_config says it. */
const AuthConfigPatch = AuthConfigInput.extend({ disable_auth_on_inference: z.boolean().optional() });
const ConfigPatch = z.looseObject({
  client_config: ClientSettingsPatch.loose()
    .optional()
    .meta({ description: 'Only the settings to change; the others stay.' }),
  auth_config: AuthConfigPatch.loose()
    .optional()
    .meta({ description: 'The admin account, for admins. What is absent stays, and so does a masked password.' }),
});

/** `/api/config`: the gateway-wide settings. */
export function configRoutes(deps: Deps): readonly Route[] {
  const { settings, authConfig } = deps;
  return [
    route({
      method: 'get',
      path: '/api/config',
      summary: 'Get the settings',
      scope: 'read',
      response: ConfigView,
      async handle() {
        const client_config = await settings.loadClientSettings();
        const auth_config = await authConfig.view();
        const connected = { is_db_connected: true, is_cache_connected: false, is_logs_connected: true };
        return {
          client_config,
          framework_config: {},
          ...(auth_config === undefined ? {} : { auth_config }),
          ...connected,
          proxy_config: null,
          restart_required: { required: false },
        };
      },
    }),
    route({
      method: 'put',
      path: '/api/config',
      summary: 'Update the settings',
      scope: 'write',
      body: ConfigPatch,
      response: Success,
      async handle(input) {
        const { client_config = {}, auth_config = {} } = input.body;
        // Checked above already; this time the schema drops what it does not know, so that it is never stored.
        const patch = checkBody(ClientSettingsPatch, client_config);
        const writeAuth = await prepareAuth(deps, input, checkBody(AuthConfigInput, auth_config));
        await save(deps, input.actor, patch, writeAuth);
        return success('Configuration updated successfully', [
          ...unknownFields(ConfigPatch, input.body),
          ...unknownFields(ClientSettingsPatch, client_config, 'client_config.'),
          ...unknownFields(AuthConfigPatch, auth_config, 'auth_config.'),
        ]);
      },
    }),
  ];
}

async function prepareAuth(
  { authConfig, browser }: Deps,
  asked: Asked & { readonly caller: Caller | undefined },
  input: AuthConfigInput,
): Promise<WriteAuthConfig | undefined> {
  if (Object.keys(input).length === 0) return undefined;
  const { caller = ANONYMOUS, actor } = asked;
  checkRole(caller, 'admin');
  // Who finds an open browser must not be able to keep the account.
  const proveFrom = caller.user === undefined ? undefined : browser.addressOf(originOf(asked));
  return authConfig.prepare(input, { actor, proveFrom });
}

/** All in one transaction. */
async function save(
  deps: Deps,
  actor: Actor,
  patch: ClientSettingsPatch,
  writeAuth: WriteAuthConfig | undefined,
): Promise<void> {
  if (Object.keys(patch).length > 0) {
    await saveSettings(deps, actor, async (stored, tx) => {
      await stored.saveClientSettings(patch);
      await writeAuth?.(tx);
    });
  } else if (writeAuth !== undefined) await deps.database.transaction(writeAuth);
  await deps.changes.publish('settings', 'client');
  if (writeAuth !== undefined) await deps.authConfig.publish();
}
