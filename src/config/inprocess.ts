import { dirname, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { ConfigFile } from '../contract/config.ts';
import { GatewayError, messageOf } from '../lib/errors.ts';

/** Loads the module and calls its default export. What comes out is checked where it is used: by the in-process transport. */
type MakeServer = () => Promise<never>;

/** The in-process servers that config.json names by module path. A module is loaded when its server is first connected to. */
export function loadInProcessServers(
  { mcp }: ConfigFile,
  configFile = 'config.json',
): [name: string, make: MakeServer][] {
  const folder = dirname(resolve(configFile));
  return Object.entries(mcp?.inprocess ?? {}).map(([name, path]) => [
    name,
    () => makeServer(name, resolve(folder, path)),
  ]);
}

async function makeServer(name: string, path: string): Promise<never> {
  const refuse = (why: string, cause?: unknown): GatewayError =>
    new GatewayError('upstream_unreachable', `mcp.inprocess.${name}: ${path} ${why}`, { cause });
  const { default: make } = await (import(pathToFileURL(path).href) as Promise<{ default?: unknown }>).catch(
    (error: unknown) => {
      throw refuse(`cannot be loaded: ${messageOf(error)}`, error);
    },
  );
  if (typeof make !== 'function') throw refuse('has no function as its default export');
  return (make as () => Promise<never>)();
}
