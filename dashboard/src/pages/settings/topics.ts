import type { SettingSchema } from '../../data/settings.ts';

/** A setting by its path, such as `oauth2_server_config.issuer_url`. */
export interface Setting {
  readonly path: string;
  readonly schema: SettingSchema;
}

/** Which settings stand together: those whose path begins with one of these. */
const TOPICS: readonly (readonly [title: string, beginnings: readonly string[]])[] = [
  ['Calls of tools', ['mcp_tool_', 'mcp_agent_', 'mcp_disable_auto_tool', 'mcp_max_result', 'approval_ttl']],
  ['Code mode', ['mcp_code_mode_']],
  [
    'Who may call',
    [
      'enforce_auth',
      'mcp_server_auth_mode',
      'dual_credential',
      'mcp_enable_temp',
      'required_headers',
      'allowed_origins',
    ],
  ],
  ['Virtual keys', ['vk_', 'delete_expired']],
  ['Sign-in of clients with OAuth', ['oauth2_server_config.']],
  ['Addresses and network', ['mcp_external_', 'allow_private', 'egress_', 'max_request']],
  ['Logs', ['disable_content', 'allow_per_request', 'logging_', 'log_']],
];
const OTHER = 'Other';

/** The settings by topic. One that no topic knows is not lost. */
export function topicsOf(schemas: Readonly<Record<string, SettingSchema>>): readonly (readonly [string, Setting[]])[] {
  const settings = Object.entries(schemas).flatMap(([name, schema]): Setting[] =>
    schema.properties === undefined
      ? [{ path: name, schema }]
      : Object.entries(schema.properties).map(([inner, member]) => ({ path: `${name}.${inner}`, schema: member })),
  );
  const topicOf = ({ path }: Setting): string =>
    TOPICS.find(([, beginnings]) => beginnings.some((beginning) => path.startsWith(beginning)))?.[0] ?? OTHER;
  const byTopic = Map.groupBy(settings, topicOf);
  return [...TOPICS.map(([title]) => title), OTHER].flatMap((title) => {
    const members = byTopic.get(title);
    return members === undefined ? [] : [[title, members] as const];
  });
}

/** The settings by their paths. */
export function flatten(settings: object): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(settings).flatMap(([name, value]: [string, unknown]) =>
      typeof value === 'object' && value !== null && !Array.isArray(value)
        ? Object.entries(value).map(([inner, member]: [string, unknown]) => [`${name}.${inner}`, member])
        : [[name, value]],
    ),
  );
}

/** The reverse: as the gateway takes them. */
export function unflatten(flat: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const result: Record<string, unknown> = {};
  for (const [path, value] of Object.entries(flat)) {
    const [name = '', inner] = path.split('.');
    result[name] = inner === undefined ? value : { ...(result[name] as object | undefined), [inner]: value };
  }
  return result;
}

const WORDS: Readonly<Record<string, string>> = {
  ...{ mcp: 'MCP', url: 'URL', oauth2: 'OAuth', ttl: 'lifetime', mb: '(MiB)', vk: 'virtual key', auth: 'sign-in' },
};

/** The name of a setting in words. */
export function labelOf(path: string): string {
  const words = (path.split('.').at(-1) ?? path).replace(/^mcp_/, '').split('_');
  const text = words.map((word) => WORDS[word] ?? word).join(' ');
  return text.charAt(0).toUpperCase() + text.slice(1);
}
