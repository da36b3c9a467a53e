import { admits } from '../lib/tool-names.ts';
import type { CodeServer, CodeTool, Library } from './library.ts';
import { fold, nearest } from './names.ts';
import { asComment, documentedTypeOf, typeOf } from './stubs.ts';

/** Whether a server is one file, or each of its tools is. */
export type Binding = 'server' | 'tool';

/** Which lines to show, from 1. Lines that are not there are no mistake. */
export interface Lines {
  readonly startLine: number | undefined;
  readonly endLine: number | undefined;
}

interface ToolFile {
  readonly path: string;
  readonly server: CodeServer;
  readonly tools: readonly CodeTool[];
}

const ROOT = 'servers/';
const ENDING = '.d.ts';
const MAX_PATH = 600;
export const NO_SERVERS = 'No servers are available in code mode to this caller.';

/** The tree of virtual files: two blanks per level, folders end in "/". */
export function renderTree({ servers }: Library, binding: Binding): string {
  if (servers.length === 0) return NO_SERVERS;
  const lines = servers.flatMap(({ identifier, tools }) =>
    binding === 'server'
      ? [`  ${identifier}${ENDING}`]
      : [`  ${identifier}/`, ...tools.map((tool) => `    ${tool.identifier}${ENDING}`)],
  );
  return [ROOT, ...lines].join('\n');
}

/** One virtual file, or what there is instead. */
export function renderFile(library: Library, binding: Binding, asked: string, lines: Lines): string {
  const fileName = asked.slice(0, MAX_PATH);
  if (library.servers.length === 0) return NO_SERVERS;
  const files = filesOf(library, binding);
  const wanted = fileName.replace(/^\/?(?:servers\/)?/i, '').replace(/\.(?:d\.ts|ts|pyi)$/i, '');
  const steps = wanted.split('/');
  if (steps.includes('..') || steps.length > 2) return `"${fileName}" is not a file. ${listing(files, fileName)}`;
  const found = files.filter(({ path }) => spell(path) === spell(wanted));
  // A server by its name is meant as a whole, whichever way it is cut into files.
  const whole = steps.length === 1 ? files.filter(({ server }) => fold(server.identifier) === fold(wanted)) : [];
  const [first] = found.length > 0 ? found : whole;
  if (first === undefined) return `There is no file "${fileName}". ${listing(files, fileName)}`;
  const tools = found.length > 0 ? first.tools : whole.flatMap((file) => file.tools);
  return slice(declare(first.server, tools), lines);
}

/** All there is to know about one tool. */
export function renderDocs(library: Library, server: string, name: string): string {
  if (library.servers.length === 0) return NO_SERVERS;
  const { found: tool, ...rest } = library.findTool(server, name);
  if (tool === undefined) return 'message' in rest ? sentence(rest.message) : '';
  const owner = library.findServer(server).found;
  const input = documentedTypeOf(tool.input);
  const output = tool.output === undefined ? '' : `\n\nReturns:\n${documentedTypeOf(tool.output)}`;
  const call = `await ${owner?.identifier}.${tool.identifier}(args: ${input})`;
  const approval = NEEDS[needOf(tool)];
  return `${tool.description.trim() || tool.own}\n\n${call}${output}${approval}`;
}

const NEEDS = {
  nothing: '',
  approval: '\n\nEach call needs approval: the run stops there until a person has decided.',
  permission: '\n\nIt needs approval: code cannot call it by itself.',
};

/** What it takes for code to call a tool: nothing, that a person says yes to each call, or that the record of the server allows it. */
export function needOf({ client, own }: Pick<CodeTool, 'client' | 'own'>): keyof typeof NEEDS {
  if (admits(client.tools_to_approve, own)) return 'approval';
  return admits(client.tools_to_auto_execute, own) ? 'nothing' : 'permission';
}

function filesOf({ servers }: Library, binding: Binding): ToolFile[] {
  return servers.flatMap((server) =>
    binding === 'server'
      ? [{ path: server.identifier, server, tools: server.tools }]
      : server.tools.map((tool) => ({ path: `${server.identifier}/${tool.identifier}`, server, tools: [tool] })),
  );
}

function declare({ identifier, name }: CodeServer, tools: readonly CodeTool[]): string[] {
  const example = tools[0]?.identifier ?? 'tool';
  return [
    `// Server ${asComment(name)}. In executeToolCode: const result = await ${identifier}.${example}({ ... });`,
    `// A tool that fails throws. getToolDocs tells more about one tool.`,
    `declare const ${identifier}: {`,
    ...tools.map((tool) => `  ${signature(tool)}; // ${shorten(tool)}`),
    '};',
  ];
}

function signature({ identifier, input, output }: CodeTool): string {
  const type = typeOf(input);
  const args = /^\{ .*[^?]: /.test(type) && hasRequired(input) ? `args: ${type}` : `args?: ${type}`;
  return `${identifier}(${args}): Promise<${output === undefined ? 'unknown' : typeOf(output)}>`;
}

function hasRequired(input: CodeTool['input']): boolean {
  const required = (input as { required?: unknown } | undefined)?.required;
  return Array.isArray(required) && required.length > 0;
}

/** The first sentence if it is short, else the beginning. */
function shorten(tool: CodeTool): string {
  const text = asComment(tool.description);
  const first = /^(.{1,79}?[.!?])(?:\s|$)/.exec(text)?.[1] ?? text;
  const short = first.length < 80 ? first : `${first.slice(0, 77)}...`;
  return needOf(tool) === 'nothing' ? short : `(needs approval) ${short}`;
}

function slice(body: readonly string[], { startLine, endLine }: Lines): string {
  const total = body.length + 1;
  const all = [`// Total lines: ${total} (this is the complete file, no need to paginate)`, ...body];
  if (startLine === undefined && endLine === undefined) return all.join('\n');
  const from = Math.min(Math.max(startLine ?? 1, 1), total);
  const to = Math.min(Math.max(endLine ?? total, from), total);
  return all.slice(from - 1, to).join('\n');
}

function listing(files: readonly ToolFile[], wanted: string): string {
  const names = files.map(({ path }) => `${ROOT}${path}${ENDING}`);
  const near = nearest(wanted, names);
  const shown = near.length > 0 ? near : names.slice(0, 20);
  return `${near.length > 0 ? 'The nearest are' : 'There are'}:\n${shown.join('\n')}`;
}

function spell(path: string): string {
  return path.split('/').map(fold).join('/');
}

function sentence(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}`;
}
