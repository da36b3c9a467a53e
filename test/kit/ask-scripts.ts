type JsonObject = Record<string, unknown>;

/** What a server asks its user's side. */
export interface Question {
  readonly method: 'elicitation/create' | 'sampling/createMessage' | 'roots/list';
  readonly params?: JsonObject;
}

/** What a tool, prompt or resource of an asking server does before it answers. */
export interface AskScript {
  /** The questions of a round are asked at once, the rounds one after the other; a round of none asks to come back later. */
  readonly rounds: readonly (readonly Question[])[];
  /** The request ends with an error once all is answered. */
  readonly fails?: boolean;
  /** Asks without looking at what the client can do. */
  readonly insists?: boolean;
  /** Does not end by itself once all is answered. */
  readonly holds?: boolean;
}

/** A form that asks for a name. */
export function form(message: string): Question {
  const requestedSchema = { type: 'object', properties: { name: { type: 'string' } }, required: ['name'] };
  return { method: 'elicitation/create', params: { mode: 'form', message, requestedSchema } };
}

const url: Question = {
  method: 'elicitation/create',
  params: { mode: 'url', message: 'Please sign in', url: 'https://sign-in.example/?state=1' },
};
const roots: Question = { method: 'roots/list' };
const sampling: Question = {
  method: 'sampling/createMessage',
  params: { messages: [{ role: 'user', content: { type: 'text', text: 'Say hello' } }], maxTokens: 10 },
};
const samplingWithTools: Question = {
  method: 'sampling/createMessage',
  params: {
    ...sampling.params,
    tools: [{ name: 'look-up', description: 'Looks up', inputSchema: { type: 'object', properties: {} } }],
    toolChoice: { mode: 'auto' },
  },
};

/** Everything an asking server offers, by the name of the tool and prompt and the host of the resource URI. */
export const ASK_SCRIPTS = {
  form: { rounds: [[form('Who are you?')]] },
  url: { rounds: [[url]] },
  sampling: { rounds: [[sampling]] },
  'sampling-with-tools': { rounds: [[samplingWithTools]] },
  roots: { rounds: [[roots]] },
  several: { rounds: [[form('First?'), sampling, roots, form('Second?')]] },
  rounds: { rounds: [[form('One?')], [sampling, roots], [form('Three?')]] },
  later: { rounds: [[], []] },
  'fails-after': { rounds: [[form('Shall it fail?')]], fails: true },
  'holds-after': { rounds: [[form('Shall it take its time?')]], holds: true },
  insists: { rounds: [[form('You can hear this, can you not?')]], insists: true },
} as const satisfies Record<string, AskScript>;
export type ScriptName = keyof typeof ASK_SCRIPTS;

export const SCRIPT_NAMES = Object.keys(ASK_SCRIPTS) as ScriptName[];

/** The error that ends a script which fails. */
export const SCRIPT_ERROR = { code: 4711, message: 'it failed in the end', data: { why: ['because', { deep: true }] } };

/** What an asking server says to a client that it cannot ask. */
export const NOBODY_TO_ASK = 'nobody to ask';

/** The capability that a question needs, with what it needs of it. */
export function isAskable({ method, params }: Question, capabilities: JsonObject): boolean {
  const { elicitation, sampling, roots } = capabilities as Record<string, JsonObject | undefined>;
  if (method === 'roots/list') return roots !== undefined;
  if (method === 'sampling/createMessage')
    return sampling !== undefined && (params?.['tools'] === undefined || sampling['tools'] !== undefined);
  if (elicitation === undefined) return false;
  return params?.['mode'] === 'url' ? elicitation['url'] !== undefined : true;
}

/** The request for a script by each of the methods that may ask. */
export const ASKING_METHODS = ['tools/call', 'prompts/get', 'resources/read'] as const;
export type AskingMethod = (typeof ASKING_METHODS)[number];

/** The URI of the resource that runs a script. */
export function scriptUri(name: string): string {
  return `ask://${name}`;
}

/** The script that a request to an asking server is about. */
export function scriptOf(method: AskingMethod, params: JsonObject): AskScript | undefined {
  const name = method === 'resources/read' ? String(params['uri']).slice('ask://'.length) : String(params['name']);
  return (ASK_SCRIPTS as Record<string, AskScript>)[name];
}

/** The results that say a text. */
export const SAY = {
  'tools/call': (_: JsonObject, text: string) => ({ content: [{ type: 'text' as const, text }] }),
  'prompts/get': (_: JsonObject, text: string) => ({
    messages: [{ role: 'user' as const, content: { type: 'text' as const, text } }],
  }),
  'resources/read': ({ uri }: JsonObject, text: string) => ({ contents: [{ uri: String(uri), text }] }),
} satisfies Record<AskingMethod, unknown>;

/** The text that a result of a method says. */
export function textIn(method: AskingMethod, result: JsonObject): string {
  const { content, messages, contents } = result as {
    content?: { text: string }[];
    messages?: { content: { text: string } }[];
    contents?: { text: string }[];
  };
  const [first] =
    { 'tools/call': content, 'prompts/get': messages?.map((message) => message.content), 'resources/read': contents }[
      method
    ] ?? [];
  if (first === undefined) throw new Error(`${method}: ${JSON.stringify(result)}`);
  return first.text;
}

/** The lists of an asking server. */
export const ASK_LISTS = {
  tools: SCRIPT_NAMES.map((name) => ({ name, inputSchema: { type: 'object' as const, properties: {} } })),
  prompts: SCRIPT_NAMES.map((name) => ({ name })),
  resources: SCRIPT_NAMES.map((name) => ({ uri: scriptUri(name), name })),
};
