/** The names of the tools of code mode, which clients of other gateways know. */
export type MetaTool = 'listToolFiles' | 'readToolFile' | 'getToolDocs' | 'executeToolCode';

export const META_TOOLS: ReadonlySet<string> = new Set<MetaTool>([
  'listToolFiles',
  'readToolFile',
  'getToolDocs',
  'executeToolCode',
]);

const text = (description: string) => ({ type: 'string', description });
const line = (description: string) => ({ type: 'integer', description });

/** Their definitions as tools/list shows them, for a caller with these servers. */
export function defineMetaTools(servers: readonly string[]): string[] {
  const names = servers.toSorted().join(', ');
  return [
    define('listToolFiles', `Lists the files that declare the tools of these servers: ${names}.`, {}, []),
    define(
      'readToolFile',
      'Reads the TypeScript declarations of a file that listToolFiles names. Read them before you write code.',
      {
        fileName: text('Such as "servers/files.d.ts".'),
        startLine: line('First line, from 1.'),
        endLine: line('Last line.'),
      },
      ['fileName'],
    ),
    define(
      'getToolDocs',
      'Tells all about one tool: its whole description, and every argument.',
      { server: text('The server, as its file is named.'), tool: text('The tool, as its file declares it.') },
      ['server', 'tool'],
    ),
    define(
      'executeToolCode',
      EXECUTE,
      { code: text('TypeScript.'), session: text(SESSION), continuation: text(CONTINUATION) },
      [],
    ),
  ];
}

const EXECUTE = `Runs TypeScript that calls tools: const result = await server.tool({ name: value }). Every server is a variable. \
A tool that fails throws. Calls that do not need each other go in Promise.all. Only what you return or console.log comes back, \
so filter and count in the code. What you put in artifacts (artifacts.name = value) is there in the next run of this session. \
There are no modules, files, network or timers.`;
const CONTINUATION = 'Where an earlier run waits for approval: what it said is its continuation. Send no code then.';
const SESSION = 'Where an earlier run named a session: its artifacts are there again.';

function define(name: MetaTool, description: string, properties: object, required: readonly string[]): string {
  const inputSchema = { type: 'object', properties, required, additionalProperties: false };
  const isReading = name !== 'executeToolCode';
  const annotations = isReading ? { readOnlyHint: true } : { readOnlyHint: false, openWorldHint: true };
  return JSON.stringify({ name, description, inputSchema, annotations });
}
