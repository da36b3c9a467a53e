import { z } from 'zod';
import { Success } from '../../contract/common.ts';
import { ClientSettings, ClientSettingsPatch } from '../../contract/config.ts';
import { saveSettings } from '../../governance/save-settings.ts';
import type { AuditStore } from '../../store/audit.ts';
import type { Changes } from '../../store/changes.ts';
import type { Database } from '../../store/database.ts';
import type { SettingsStore } from '../../store/settings.ts';
import { checkBody, unknownFields } from '../check-input.ts';
import { route } from '../route.ts';
import type { Route } from '../route.ts';
import { success } from '../success.ts';

interface Deps {
  readonly settings: Pick<SettingsStore, 'with' | 'loadClientSettings'>;
  readonly changes: Pick<Changes, 'publish'>;
  readonly database: Pick<Database, 'transaction'>;
  readonly audit: Pick<AuditStore, 'with'>;
}

const ConfigView = z.object({
  client_config: ClientSettings,
  framework_config: z.object({}),
  is_db_connected: z.boolean(),
  is_cache_connected: z.boolean(),
  is_logs_connected: z.boolean(),
  proxy_config: z.null(),
  restart_required: z
    .object({ required: z.boolean() })
    .meta({ description: 'Always false: every setting here is applied live.' }),
});

const ConfigPatch = z.looseObject({
  client_config: ClientSettingsPatch.loose()
    .optional()
    .meta({ description: 'Only the settings to change; the others stay.' }),
});

/** `/api/config`: the gateway-wide settings. */
export function configRoutes(deps: Deps): readonly Route[] {
  const { settings, changes } = deps;
  return [
    route({
      method: 'get',
      path: '/api/config',
      summary: 'Get the settings',
      scope: 'read',
      response: ConfigView,
      async handle() {
        const client_config = await settings.loadClientSettings();
        const connected = { is_db_connected: true, is_cache_connected: false, is_logs_connected: false };
        return {
          client_config,
          framework_config: {},
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
      async handle({ body, actor }) {
        const { client_config = {} } = body;
        // Checked above already; this time the schema drops what it does not know, so that it is never stored.
        const patch = checkBody(ClientSettingsPatch, client_config);
        if (Object.keys(patch).length > 0)
          await saveSettings(deps, actor, (stored) => stored.saveClientSettings(patch));
        await changes.publish('settings', 'client');
        return success('Configuration updated successfully', [
          ...unknownFields(ConfigPatch, body),
          ...unknownFields(ClientSettingsPatch, client_config, 'client_config.'),
        ]);
      },
    }),
  ];
}
