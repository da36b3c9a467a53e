import { dirname, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { ConfigFile } from '../contract/config.ts';
import { GatewayError, messageOf } from '../lib/errors.ts';

/** Loads the module and gives what its default export is or makes. */
type LoadServer = () => Promise<never>;

/** The in-process servers that config.json names by module path. A module is loaded when its server is first connected to. */
export function loadInProcessServers(
  { mcp }: ConfigFile,
  configFile = 'config.json',
): [name: string, load: LoadServer][] {
  const folder = dirname(resolve(configFile));
  return Object.entries(mcp?.inprocess ?? {}).map(([name, path]) => [
    name,
    () => loadServer(name, resolve(folder, path)),
  ]);
}

async function loadServer(name: string, path: string): Promise<never> {
  let exported: unknown;
  try {
    ({ default: exported } = (await import(pathToFileURL(path).href)) as { default?: unknown });
  } catch (error) {
    throw new GatewayError(
      'upstream_unreachable',
      `mcp.inprocess.${name}: ${path} cannot be loaded: ${messageOf(error)}`,
      { cause: error },
    );
  }
  // The shape is checked where it is used: by the in-process transport.
  return (typeof exported === 'function' ? await (exported as () => unknown)() : exported) as never;
}
