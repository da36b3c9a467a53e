/** The gateway as a client is told of it: this and nothing else. */
export interface Access {
  /** Such as `http://127.0.0.1:8080`. */
  readonly address: string;
  readonly apiKey: string;
}

/** A tool that the client brings along and runs itself. */
export interface OwnTool {
  readonly name: string;
  readonly description: string;
  /** The one argument that it takes, a text. */
  readonly argument: string;
  run(value: string): Promise<string>;
}

/** One thing to say to a model, with as many turns as the client's own tools take. */
export interface Question {
  readonly model: string;
  readonly isStream: boolean;
  readonly tools: readonly OwnTool[];
  readonly signal?: AbortSignal;
  /** Hears the text of a stream as it comes. */
  onText?(text: string): void;
}

/** What the client makes of the answer. */
export interface Said {
  /** Of the last turn. */
  readonly text: string;
  /** Tokens in and out, of all turns, as the client reads them. */
  readonly tokens: readonly [number | undefined, number | undefined];
}

/** What a failure looks like to whoever calls the client. */
export interface Failure {
  readonly kind: string;
  readonly status: number | undefined;
  readonly message: string;
}

/** A client of an LLM provider, in one of its formats, pointed at the gateway. */
export interface LlmClient {
  readonly name: string;
  readonly format: 'chat' | 'responses' | 'messages';
  ask(access: Access, question: Question): Promise<Said>;
  /** The ids of the models, where the client can list them. */
  listModels?(access: Access): Promise<string[]>;
  /** The vector of a text, where the client can ask for one. */
  embed?(access: Access, model: string): Promise<readonly number[]>;
  readFailure(error: unknown): Failure;
  /** The kind of failure that it has for a status; `undefined`: for one in the middle of a stream. */
  kindFor(status: number | undefined): string;
}

/** What every question says. */
export const PROMPT = 'What is the weather like?';

/** Opens a client that reads where it is to go, and with what key, from the environment. */
export function withEnvironment<T>(variables: Readonly<Record<string, string>>, open: () => T): T {
  Object.assign(process.env, variables);
  const client = open();
  for (const name of Object.keys(variables)) Reflect.deleteProperty(process.env, name);
  return client;
}

/** JSON Schema of the arguments of an own tool. */
export function schemaOf({ argument }: OwnTool) {
  return {
    type: 'object' as const,
    properties: { [argument]: { type: 'string' as const } },
    required: [argument],
    additionalProperties: false as const,
  };
}

/** Runs an own tool with the arguments that a model wrote. */
export function runOwn(tools: readonly OwnTool[], name: string, args: unknown): Promise<string> {
  const tool = tools.find((own) => own.name === name);
  if (tool === undefined) throw new Error(`the client was asked for ${name}, which it does not have`);
  return tool.run(String((args as Record<string, unknown>)[tool.argument]));
}

/** Tokens of several turns. */
export function addTokens(turns: readonly Said['tokens'][]): Said['tokens'] {
  const sum = (values: (number | undefined)[]) =>
    values.includes(undefined) ? undefined : values.reduce<number>((all, value) => all + (value ?? 0), 0);
  return [sum(turns.map(([input]) => input)), sum(turns.map(([, output]) => output))];
}
