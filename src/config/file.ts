import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { ClientSettingsPatch } from '../contract/client-settings.ts';
import { ConfigFile, type McpClientEntry } from '../contract/config.ts';
import { McpClientCreate } from '../contract/mcp-client.ts';
import { GatewayError, messageOf } from '../lib/errors.ts';
import { parseDuration } from '../lib/time.ts';
import { findUnknownKeys, renderPath } from './unknown-keys.ts';

/** What config.json says, checked. */
export interface LoadedConfig {
  /** The file as it is written. */
  readonly file: ConfigFile;
  /** The servers with durations in minutes and seconds, as over the API; undefined when the section is absent. */
  readonly clients: readonly McpClientCreate[] | undefined;
  /** `client` and the settings of `mcp`, together; undefined when the file has neither. */
  readonly settings: ClientSettingsPatch | undefined;
  /** What is written but has no effect. */
  readonly warnings: readonly string[];
}

const MINUTE_MS = 60_000;
const SECOND_MS = 1000;

/** Reads and checks config.json. A file that is not there is an empty one, unless the user has named it. */
export async function loadConfigFile(path: string, { isNamed }: { isNamed: boolean }): Promise<LoadedConfig> {
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT' && !isNamed) return '{}';
    throw refuse(`${path} cannot be read: ${messageOf(error)}`);
  });
  return parseConfig(text, path);
}

/** Checks the text of a config file; `path` is what messages call it. */
export function parseConfig(text: string, path = 'config.json'): LoadedConfig {
  const raw = parseJson(text, path);
  const file = check(ConfigFile, raw, path);
  const clients = file.mcp?.client_configs?.map((entry, index) => {
    return check(McpClientCreate, inApiUnits(entry), path, ['mcp', 'client_configs', index]);
  });
  const settings = check(ClientSettingsPatch, collectSettings(file), path, ['client']);
  return {
    file,
    clients,
    settings: Object.keys(settings).length === 0 ? undefined : settings,
    warnings: [
      ...findUnknownKeys(configJsonSchema(), raw).map((key) => `${path}: ${key} is not known and has no effect`),
      ...findTinyNumbers(file).map((key) => `${path}: ${key} is read as nanoseconds; write a duration such as "10m"`),
    ],
  };
}

/** The JSON Schema of config.json, for editors. */
export function configJsonSchema(): z.core.JSONSchema.BaseSchema {
  return z.toJSONSchema(ConfigFile, { io: 'input' });
}

function parseJson(text: string, path: string): unknown {
  try {
    return JSON.parse(text.replace(/^\uFEFF/, ''));
  } catch (error) {
    // V8 quotes the text around the fault, which may be a secret.
    throw refuse(`${path} is not valid JSON: ${messageOf(error).replace(/, (\.{3})?".*$/s, '')}`);
  }
}

function check<T extends z.ZodType>(schema: T, value: unknown, path: string, prefix: PropertyKey[] = []): z.output<T> {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const faults = result.error.issues.map((issue) => `${renderPath([...prefix, ...issue.path])}: ${issue.message}`);
  throw refuse(faults.map((fault) => `${path}: ${fault}`).join('\n'));
}

function inApiUnits(entry: McpClientEntry): unknown {
  const { tool_sync_interval: interval, tool_execution_timeout: timeout } = entry;
  return {
    ...entry,
    tool_sync_interval: interval == null ? undefined : roundAway(parseDuration(interval) / MINUTE_MS),
    tool_execution_timeout: timeout == null ? undefined : roundAway(parseDuration(timeout) / SECOND_MS),
  };
}

/** The reference keeps some of the settings under `mcp`; what `client` says wins. */
function collectSettings({ client, mcp }: ConfigFile): ConfigFile['client'] {
  const { tool_execution_timeout: timeout, ...manager } = mcp?.tool_manager_config ?? {};
  const interval = mcp?.tool_sync_interval;
  const settings = {
    mcp_agent_depth: manager.max_agent_depth,
    mcp_code_mode_binding_level: manager.code_mode_binding_level,
    mcp_disable_auto_tool_inject: manager.disable_auto_tool_inject,
    mcp_tool_execution_timeout: timeout === undefined ? undefined : globalTimeout(timeout),
    mcp_tool_sync_interval: interval === undefined ? undefined : roundAway(parseDuration(interval) / MINUTE_MS),
    ...client,
  };
  return Object.fromEntries(Object.entries(settings).filter(([, value]) => value !== undefined));
}

/** Here a number may also be seconds. Both readings of one number never make sense: 1e9 seconds are 31 years. */
function globalTimeout(timeout: string | number): number {
  if (typeof timeout === 'number' && Math.abs(timeout) < 1e9) return timeout;
  return roundAway(parseDuration(timeout) / SECOND_MS);
}

/** A short time must not become 0, which means "the global setting". */
function roundAway(value: number): number {
  return value < 0 ? Math.floor(value) : Math.ceil(value);
}

/** Numbers under a second are most likely minutes or seconds by mistake. */
function findTinyNumbers({ mcp }: ConfigFile): string[] {
  const isTiny = (value: unknown) => typeof value === 'number' && value > 0 && value < 1e9;
  const found = isTiny(mcp?.tool_sync_interval) ? ['mcp.tool_sync_interval'] : [];
  for (const [index, entry] of (mcp?.client_configs ?? []).entries()) {
    for (const name of ['tool_sync_interval', 'tool_execution_timeout'] as const) {
      if (isTiny(entry[name])) found.push(renderPath(['mcp', 'client_configs', index, name]));
    }
  }
  return found;
}

function refuse(message: string): GatewayError {
  return new GatewayError('invalid_configuration', message);
}
