import { execFile } from 'node:child_process';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { allTextOf, textOf, type PeerClient, type PeerSession, type Target } from '../peer-client.ts';
import { privateEnvironment } from '../run-folder.ts';
import type { Era } from './sdk-v2.ts';

const run = promisify(execFile);

/** The command line of the MCP Inspector; it connects anew for every command. */
export const legacy: PeerClient = { open: async (target) => openInspector(target, 'legacy') };

/** The same with `--protocol-era modern`. */
export const modern: PeerClient = { open: async (target) => openInspector(target, 'modern') };

type Answer = Record<string, unknown>;

function openInspector(target: Target, era: Era): PeerSession {
  const ask = (method: string, ...more: string[]): Promise<Answer> => runInspector(target, era, [method, ...more]);
  const list = async (method: string, key: string): Promise<Answer[]> => ((await ask(method))[key] ?? []) as Answer[];
  return {
    listTools: async () => (await list('tools/list', 'tools')).map(({ name }) => String(name)),
    callTool: async (name, args) =>
      textOf(await ask('tools/call', '--tool-name', name, '--tool-args-json', JSON.stringify(args))),
    listResources: async () => (await list('resources/list', 'resources')).map(({ uri }) => String(uri)),
    readResource: async (uri) => allTextOf((await ask('resources/read', '--uri', uri))['contents'] as unknown[]),
    listPrompts: async () => (await list('prompts/list', 'prompts')).map(({ name }) => String(name)),
    async getPrompt(name, args) {
      const pairs = Object.entries(args).map(([key, value]) => `${key}=${value}`);
      const given = pairs.length === 0 ? [] : ['--prompt-args', ...pairs];
      return allTextOf((await ask('prompts/get', '--prompt-name', name, ...given))['messages'] as unknown[]);
    },
    close: async () => {},
  };
}

async function runInspector(
  { url, transport, headers, environment }: Target,
  era: Era,
  command: string[],
): Promise<Answer> {
  const root = dirname(createRequire(import.meta.url).resolve('@modelcontextprotocol/inspector/package.json'));
  const given = Object.entries(headers).flatMap(([name, value]) => ['--header', `${name}: ${value}`]);
  const where = ['--server-url', url, '--transport', transport, '--protocol-era', era, ...given];
  const args = [join(root, 'clients', 'cli', 'build', 'index.js'), ...where, '--format', 'json', '-q', '--method'];
  try {
    const { stdout } = await run(process.execPath, [...args, ...command], {
      env: { ...privateEnvironment(), ...environment },
    });
    return (JSON.parse(stdout) as { result: Answer }).result;
  } catch (error) {
    const { stderr } = error as { stderr?: string };
    throw new Error(readError(stderr) ?? stderr ?? String(error), { cause: error });
  }
}

function readError(stderr: string | undefined): string | undefined {
  try {
    return (JSON.parse(stderr ?? '') as { error: { message: string } }).error.message;
  } catch {
    return undefined;
  }
}
