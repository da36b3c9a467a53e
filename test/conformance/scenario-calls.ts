import { Client, StreamableHTTPClientTransport, type ClientOptions } from '@modelcontextprotocol/client';

/** What the suite tells a client under test. */
export interface Play {
  readonly scenario: string;
  /** What the scenario wants done, where its name does not say it all. */
  readonly context: Readonly<Record<string, unknown>>;
  /** Where the client connects to. */
  readonly url: string;
  /** What the client sends along. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Lets the person sign in to the server once more. */
  readonly signInAgain?: () => Promise<void>;
  /** Whether the client speaks 2026-07-28, or the revisions before. */
  readonly isModern: boolean;
  /** Whether no gateway stands between the client and the scenario. */
  readonly isDirect: boolean;
}

type Run = (client: Client, play: Play) => Promise<unknown>;

const MODERN = '2026-07-28';

/** The calls per scenario; where there are none, a list of the tools is all that is wanted. */
const CALLS: Readonly<Record<string, Run>> = {
  tools_call: (client) => client.callTool({ name: 'add_numbers', arguments: { a: 5, b: 3 } }),
  'elicitation-sep1034-client-defaults': (client) => client.callTool({ name: 'test_client_elicitation_defaults' }),
  'sse-retry': (client) => client.callTool({ name: 'test_reconnection' }),
  'sep-2322-client-request-state': callInRounds,
  'http-standard-headers': useEverything,
  'http-custom-headers': callAsTold,
  'http-invalid-tool-headers': callEveryTool,
  'json-schema-2020-12-preservation': echoSchema,
};

/**
 * An official client of 2026-07-28 checks and mirrors headers itself. In these scenarios it is the gateway that must, so a client
 * of the older revisions, which know nothing of it, makes the same calls first.
 */
const LEFT_TO_GATEWAY = new Set(['http-custom-headers', 'http-invalid-tool-headers']);

/** Makes the calls that the scenario waits for. */
export async function playScenario(play: Play): Promise<void> {
  if (!play.isDirect && LEFT_TO_GATEWAY.has(play.scenario)) await connectAndRun({ ...play, isModern: false });
  await connectAndRun(play);
}

async function connectAndRun(play: Play): Promise<void> {
  const options: ClientOptions = {
    capabilities: { elicitation: { form: { applyDefaults: true } } },
    versionNegotiation: { mode: play.isModern ? { pin: MODERN } : 'legacy' },
  };
  const client = new Client({ name: 'conformance-harness', version: '1.0.0' }, options);
  client.setRequestHandler('elicitation/create', async () => {
    // Between the rounds of one call there may be other calls; nothing of the first may show in them.
    if (play.scenario === 'sep-2322-client-request-state') await client.callTool({ name: 'test_mrtr_unrelated' });
    return { action: 'accept', content: play.scenario.startsWith('sep-2322') ? { confirmed: true } : {} };
  });
  const requestInit = { headers: { ...play.headers } };
  await client.connect(new StreamableHTTPClientTransport(new URL(play.url), { requestInit }));
  try {
    const run = CALLS[play.scenario] ?? (play.scenario.startsWith('auth/') ? callSigningIn : listOnly);
    await run(client, play);
  } finally {
    await client.close();
  }
}

async function callInRounds(client: Client, { isDirect }: Play): Promise<void> {
  await client.callTool({ name: 'test_mrtr_echo_state' });
  await client.callTool({ name: 'test_mrtr_no_state' });
  const untyped = client.callTool({ name: 'test_mrtr_no_result_type' });
  // The official client refuses what this tool answers; the scenario only wants it not to call again.
  await (isDirect ? untyped.catch(() => undefined) : untyped);
}

async function useEverything(client: Client): Promise<void> {
  const { tools } = await client.listTools();
  for (const { name } of tools) await client.callTool({ name });
  const { resources } = await client.listResources();
  for (const { uri } of resources) await client.readResource({ uri });
  const { prompts } = await client.listPrompts();
  for (const { name } of prompts) await client.getPrompt({ name });
}

async function callAsTold(client: Client, { context }: Play): Promise<void> {
  // The client learns from the list which arguments travel as headers too.
  await client.listTools();
  const calls = context['toolCalls'] as { name: string; arguments: Record<string, unknown> }[];
  for (const call of calls) await client.callTool(call);
}

async function callEveryTool(client: Client): Promise<void> {
  const { tools } = await client.listTools();
  for (const { name } of tools) await client.callTool({ name, arguments: {} });
}

async function echoSchema(client: Client): Promise<void> {
  const { tools } = await client.listTools();
  const schema = tools.find(({ name }) => name === 'json_schema_2020_12_tool')?.inputSchema;
  await client.callTool({ name: 'json_schema_echo', arguments: { schema } });
}

function listOnly(client: Client): Promise<unknown> {
  return client.listTools();
}

/** Calls the tool, and lets the person sign in again when the server wants more than they granted. */
async function callSigningIn(client: Client, { signInAgain }: Play): Promise<void> {
  const { tools } = await client.listTools();
  for (const { name } of tools) {
    const call = () => client.callTool({ name, arguments: {} });
    const first = await call().catch((error: unknown) => error);
    if (!(first instanceof Error) && (first as { isError?: boolean }).isError !== true) continue;
    await signInAgain?.();
    await call();
  }
}
