import { describe, type Call, type Reply } from './exchange.ts';
import { createSameness } from './same-answer.ts';
import { listTools } from './targets/tools.ts';

/** A question to a model, in chat completions. */
export interface ChatKind {
  kind: 'chat';
  model: string;
  isStream: boolean;
  /** The model takes 5 ms from one chunk to the next. */
  isPaced: boolean;
  /** So many tools that the caller brings along. */
  tools: number;
}

/** Prepares a question. Its answer says which call it belongs to, and is complete. */
export function createChat({ model, isStream, isPaced, tools }: ChatKind): Call {
  const question = JSON.stringify({
    model,
    messages: [
      { role: 'system', content: 'You are a helpful assistant who answers in short sentences and never guesses.' },
      { role: 'user', content: 'This is call NUMBER: "what" does a gateway cost über 橋, in micro-seconds?' },
    ],
    temperature: 0.2,
    max_tokens: 256,
    stream: isStream,
    user: isPaced ? 'paced' : 'bench',
    ...(tools > 0 && { tools: listTools(tools).map(defineTool) }),
  });
  return {
    headers: {},
    write: (id) => question.replace('NUMBER', String(id)),
    check: createSameness(String, isStream ? checkStream : checkWhole),
  };
}

function defineTool(tool: object): object {
  const { name, description, inputSchema } = tool as Record<string, unknown>;
  return { type: 'function', function: { name, description, parameters: inputSchema } };
}

interface Answer {
  choices: { delta?: { content?: string }; message?: { content?: string }; finish_reason: string | null }[];
}

function checkStream(reply: Reply, id: number): void {
  const events = reply.body.toString().split('\n\n');
  const data = events.map((event) => event.replace('data: ', '')).filter((text) => text !== '');
  const isDone = data.pop() === '[DONE]';
  const choices = data.flatMap((text) => (JSON.parse(text) as Answer).choices);
  const said = choices.map(({ delta }) => delta?.content ?? '').join('');
  demand(isDone && said.includes(` ${id} `) && choices.at(-1)?.finish_reason === 'stop', reply, id);
}

function checkWhole(reply: Reply, id: number): void {
  const [choice] = reply.status === 200 ? (JSON.parse(reply.body.toString()) as Answer).choices : [];
  demand(choice?.message?.content?.includes(` ${id} `) === true && choice.finish_reason === 'stop', reply, id);
}

function demand(isRight: boolean, reply: Reply, id: number): void {
  if (!isRight || reply.status !== 200) throw new Error(`wrong answer to question ${id}: ${describe(reply)}`);
}
