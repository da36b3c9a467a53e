import { queryOptions } from '@tanstack/react-query';
import type { Success } from '../../../src/contract/common.ts';
import type { ClientSettings } from '../../../src/contract/client-settings.ts';
import type { z } from 'zod';
import { request } from '../api.ts';
import { keys } from './keys.ts';

/** What the gateway says about one of its settings, in JSON Schema. */
export interface SettingSchema {
  readonly type?: string;
  readonly description?: string;
  readonly enum?: readonly string[];
  readonly properties?: Readonly<Record<string, SettingSchema>>;
}

/** The settings of the gateway. */
export const settingsQuery = queryOptions({
  queryKey: keys.settings,
  queryFn: async () => (await request<{ client_config: ClientSettings }>('GET', '/api/config')).client_config,
});

interface Document {
  readonly paths: Readonly<
    Record<
      string,
      { get: { responses: Record<string, { content: Record<string, { schema: SettingSchema }> }> } } | undefined
    >
  >;
}

/** What settings there are, with their descriptions: the gateway's own words, so that no page lags behind it. */
export const settingSchemaQuery = queryOptions({
  queryKey: [...keys.version, 'settings'],
  staleTime: Infinity,
  async queryFn(): Promise<Readonly<Record<string, SettingSchema>>> {
    const { paths } = await request<Document>('GET', '/api/openapi.json');
    const schema = paths['/api/config']?.get.responses['200']?.content['application/json']?.schema;
    return schema?.properties?.['client_config']?.properties ?? {};
  },
});

/** Changes these settings and no others. */
export function saveSettings(client_config: Readonly<Record<string, unknown>>): Promise<z.infer<typeof Success>> {
  return request('PUT', '/api/config', { client_config });
}
