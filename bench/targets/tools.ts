const verbs =
  'create get list update delete search archive restore export import assign close reopen merge label lock watch sync tag move';
const nouns =
  'issue pull_request branch commit release repository project milestone comment review workflow run artifact secret variable team member ' +
  'organisation webhook deployment environment package discussion gist alert';

/** The tool that the calls go to. */
export const ECHO_TOOL = {
  name: 'echo',
  description: 'Says back what it was told.',
  inputSchema: {
    type: 'object',
    properties: { text: { type: 'string', description: 'What to say back.' } },
    required: ['text'],
  },
};

/** A tool whose results are as large as those of many servers. */
export const PAGE_TOOL = { name: 'page', description: 'Gives a page of rows.', inputSchema: { type: 'object' } };

/** `count` tools of the size and shape that real servers offer; the first is {@link ECHO_TOOL}. At most 501. */
export function listTools(count: number): object[] {
  const tools: object[] = [ECHO_TOOL];
  for (const noun of nouns.split(' ')) {
    for (const verb of verbs.split(' ')) tools.push(describeTool(verb, noun));
  }
  if (count > tools.length) throw new Error(`there are only ${tools.length} tools`);
  return tools.slice(0, count);
}

function describeTool(verb: string, noun: string): object {
  const thing = noun.replaceAll('_', ' ');
  const isReadOnly = ['get', 'list', 'search', 'export'].includes(verb);
  return {
    name: `${verb}_${noun}`,
    title: `${verb} ${thing}`,
    description: `Use this to ${verb} a ${thing} of a repository. Returns the ${thing} as it is afterwards, with its link and its history.`,
    inputSchema: {
      type: 'object',
      properties: {
        owner: { type: 'string', description: 'Account that owns the repository; upper and lower case are the same.' },
        repo: { type: 'string', description: 'Name of the repository, without the extension.' },
        [`${noun}_number`]: { type: 'integer', minimum: 1, description: `Number that identifies the ${thing}.` },
        state: {
          type: 'string',
          enum: ['open', 'closed', 'all'],
          default: 'open',
          description: 'Which ones to consider.',
        },
        labels: { type: 'array', items: { type: 'string' }, description: 'Names of labels.' },
      },
      required: ['owner', 'repo'],
      additionalProperties: false,
    },
    annotations: { readOnlyHint: isReadOnly, destructiveHint: verb === 'delete', openWorldHint: true },
  };
}
