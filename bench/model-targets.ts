import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { read, send, type GatewayCaller } from './accounts.ts';
import type { ChatKind } from './chat-call.ts';
import type { Running } from './processes.ts';

/** Everything that questions to a model can be sent to. Those of the same gateway share a process. */
export const MODEL_TARGETS = {
  'chat-model': 'a streamed answer: the stand-in for a provider itself',
  'chat-proxy': 'a streamed answer: a bare undici proxy',
  'chat-portkey': 'a streamed answer: Portkey',
  'chat-asbru': 'a streamed answer: Asbru',
  'chat-before': 'a streamed answer: another build of Asbru (--against)',
  'paced-proxy': 'a chunk every 5 ms: a bare undici proxy',
  'paced-portkey': 'a chunk every 5 ms: Portkey',
  'paced-asbru': 'a chunk every 5 ms: Asbru',
  'paced-before': 'a chunk every 5 ms: another build of Asbru (--against)',
  'whole-proxy': 'an answer at once: a bare undici proxy',
  'whole-portkey': 'an answer at once: Portkey',
  'whole-asbru': 'an answer at once: Asbru',
  'whole-before': 'an answer at once: another build of Asbru (--against)',
  'tools-proxy': '20 tools, streamed: a bare undici proxy, the caller brings the tools along',
  'tools-asbru': '20 tools, streamed: Asbru adds those of an MCP server',
  'tools-before': '20 tools, streamed: another build of Asbru (--against) adds those of an MCP server',
};
export type ModelTargetName = keyof typeof MODEL_TARGETS;

/** What to send to a target of this name. */
export interface ModelJob {
  path: string;
  headers: Record<string, string>;
  era: 'none';
  call: ChatKind;
}

/** So many tools there are, be they the caller's or an MCP server's. */
export const TOOLS = 20;
/** One that the price sheet knows. */
const MODEL = 'gpt-4o-mini';
const PATH = '/v1/chat/completions';
const PROVIDER_KEY = 'sk-bench';
const portkey = fileURLToPath(new URL('portkey/node_modules/@portkey-ai/gateway', import.meta.url));

/** Says in one sentence what to do when Portkey was not installed. */
export function demandPortkey(): void {
  if (existsSync(portkey)) return;
  throw new Error('bench/portkey has no packages: run "npm ci" there, or "npm run bench", which does it');
}

/** The process that a target of this name is a part of: one for each gateway, whatever it is asked. */
export function gatewayOf(name: ModelTargetName): 'model' | 'proxy' | 'portkey' | 'asbru' | 'before' {
  return name.slice(name.indexOf('-') + 1) as ReturnType<typeof gatewayOf>;
}

/** The job for a target. `caller` is whom a gateway knows, `model` where the stand-in is. */
export function modelJob(name: ModelTargetName, caller: GatewayCaller | undefined, model: Running): ModelJob {
  const [kind] = name.split('-');
  const gateway = gatewayOf(name);
  const isOurs = caller !== undefined;
  const call: ChatKind = {
    kind: 'chat',
    model: isOurs ? `openai/${MODEL}` : MODEL,
    isStream: kind !== 'whole',
    isPaced: kind === 'paced',
    tools: kind === 'tools' && !isOurs ? TOOLS : 0,
  };
  const headers = caller?.headers ?? { authorization: `Bearer ${PROVIDER_KEY}` };
  // An empty list: none of the tools that there are.
  if (isOurs && kind !== 'tools') return job({ ...headers, 'x-bf-mcp-include-tools': '' }, call);
  if (gateway !== 'portkey') return job(headers, call);
  return job({ ...headers, 'x-portkey-provider': 'openai', 'x-portkey-custom-host': `${model.origin}/v1` }, call);
}

function job(headers: Record<string, string>, call: ChatKind): ModelJob {
  return { path: PATH, headers, era: 'none', call };
}

/** Makes the stand-in the gateway's provider "openai". */
export async function addProvider(origin: string, model: Running): Promise<void> {
  read(
    await send(origin, 'POST', '/api/providers', {
      provider: 'openai',
      keys: [{ name: 'key', value: PROVIDER_KEY, models: ['*'], weight: 1 }],
      network_config: { base_url: `${model.origin}/v1` },
    }),
  );
}
