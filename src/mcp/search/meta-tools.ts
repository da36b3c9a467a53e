/** Finds tools. */
export const SEARCH_TOOLS = 'searchTools';
/** Calls one that was found. */
export const CALL_TOOL = 'callTool';

/** How many servers are named to whoever may search. */
const MAX_SERVERS = 60;

const text = (description: string) => ({ type: 'string', description });

/** What is listed in the place of the tools of these servers. */
export function defineSearch(servers: readonly string[]): string[] {
  const names = servers.toSorted();
  const more = names.length > MAX_SERVERS ? ` and ${names.length - MAX_SERVERS} more` : '';
  const known = `${names.slice(0, MAX_SERVERS).join(', ')}${more}`;
  return [
    write({
      name: SEARCH_TOOLS,
      description: `Finds tools of these servers: ${known}. Say what you want to do in a few words; the answer has the best tools with their arguments. The exact name of a tool gives all about it. Without a query: the names of all tools of a server.`,
      inputSchema: {
        type: 'object',
        properties: {
          query: text('Such as "create github issue", or the name of a tool.'),
          server: text('Only tools of this server.'),
          limit: { type: 'integer', minimum: 1, maximum: 50, description: 'Default 5.' },
        },
        additionalProperties: false,
      },
      annotations: { readOnlyHint: true },
    }),
    write({
      name: CALL_TOOL,
      description: 'Calls a tool that searchTools found.',
      inputSchema: {
        type: 'object',
        properties: {
          name: text('Its name, as searchTools gives it.'),
          arguments: { type: 'object', description: 'What the tool takes.' },
        },
        required: ['name'],
        additionalProperties: false,
      },
      annotations: { readOnlyHint: false, openWorldHint: true },
    }),
  ];
}

function write(definition: object): string {
  return JSON.stringify(definition);
}
