import { createKey } from '../kit/keys.ts';
import { startModelScene, type ModelScene } from '../kit/models.ts';
import type { Access, LlmClient, OwnTool, Question, Said } from './llm-client.ts';

/** One line of the table: who asks for a model of which provider, and how. */
export interface Row {
  readonly client: LlmClient;
  readonly provider: 'openai' | 'anthropic';
  readonly isStream: boolean;
}

/** An own tool that remembers what it was called with. */
export interface RecordingTool extends OwnTool {
  readonly heard: readonly string[];
}

/** What an operation has at hand. */
export interface Stage extends Row, Pick<ModelScene, 'gateway' | 'models'> {
  readonly upstream: ModelScene['scene']['upstream'];
  readonly model: string;
  /** The gateway with a virtual key that may do everything. */
  readonly access: Access;
  /** The gateway with a new virtual key. */
  accessWith(settings: Record<string, unknown>): Promise<Access>;
  ask(question?: Partial<Question>, access?: Access): Promise<Said>;
}

/** A gateway of its own for one row. Of its MCP tools "echo" runs by itself, and "add" costs a dollar. */
export async function startStage(row: Row): Promise<Stage & AsyncDisposable> {
  const started = await startModelScene({
    client: { tools_to_auto_execute: ['echo'], tool_pricing: { add: 1 }, allow_on_all_virtual_keys: true },
  });
  const { gateway, models, scene } = started;
  let keys = 0;
  const accessWith = async (settings: Record<string, unknown>): Promise<Access> => {
    const { value } = await createKey(gateway, `key ${++keys}`, settings);
    return { address: gateway.address, apiKey: value };
  };
  const access = await accessWith({ allow_all_providers: true });
  // Where Anthropic's clients ask, its models need no provider before their name.
  const own = row.client.format === 'messages' ? 'claude-x' : 'anthropic/claude-x';
  const model = row.provider === 'openai' ? 'openai/gpt-x' : own;
  return {
    ...row,
    gateway,
    models,
    upstream: scene.upstream,
    model,
    access,
    accessWith,
    ask: (question, to = access) => row.client.ask(to, { model, isStream: row.isStream, tools: [], ...question }),
    [Symbol.asyncDispose]: () => started[Symbol.asyncDispose](),
  };
}

/** An own tool of the client. */
export function ownTool(
  name: string,
  argument: string,
  run: (value: string) => string | Promise<string>,
): RecordingTool {
  const heard: string[] = [];
  const remember = async (value: string): Promise<string> => {
    heard.push(value);
    return run(value);
  };
  return { name, argument, description: `The tool ${name}`, heard, run: remember };
}
