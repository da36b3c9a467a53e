import { Server } from '@modelcontextprotocol/sdk/server/index.js';
import { CallToolRequestSchema, ListToolsRequestSchema } from '@modelcontextprotocol/sdk/types.js';
import { createGateway } from '../src/app.ts';

/** One tool of an example server, with what it answers. */
interface ExampleTool {
  readonly name: string;
  readonly description: string;
  readonly properties: Record<string, object>;
  readonly output: object;
  run(args: Record<string, unknown>): object;
}

/** What went through the model's context. */
interface Used {
  rounds: number;
  /** Definitions, and what the model wrote and read, each counted once. */
  characters: number;
}

const API_KEY = 'asbru_bench_0123456789abcdef0123456789abcdef';
const TICKETS = 60;
const TEAMS = ['search', 'billing', 'mobile', 'platform'];
const text = (description: string) => ({ type: 'string', description });

const tickets = Array.from({ length: TICKETS }, (_, index) => ({
  id: `T-${index}`,
  title: `Customers report that number ${index} does not load`,
  body: 'The page stays empty after the second click. It happens in every browser, and only for accounts of last year. '.repeat(
    3,
  ),
  status: index % 3 === 0 ? 'open' : 'closed',
  assignee: `person-${index % 12}`,
  age_days: (index * 7) % 90,
}));

const SERVERS: Readonly<Record<string, readonly ExampleTool[]>> = {
  tickets: [
    {
      name: 'list_tickets',
      description: 'Lists tickets of the support desk, newest first, with all that is known of each.',
      properties: { status: { enum: ['open', 'closed'], description: 'Only those.' } },
      output: {
        type: 'object',
        properties: {
          tickets: {
            type: 'array',
            items: {
              type: 'object',
              properties: { id: text('Id.'), assignee: text('Id of a person.'), age_days: { type: 'number' } },
              required: ['id', 'assignee', 'age_days'],
            },
          },
        },
        required: ['tickets'],
      },
      run: ({ status }) => ({ tickets: tickets.filter((ticket) => status === undefined || ticket.status === status) }),
    },
  ],
  people: [
    {
      name: 'get_person',
      description: 'Tells who a person is: name, team, address, manager and place of work.',
      properties: { id: text('Id of the person.') },
      output: { type: 'object', properties: { name: text('Name.'), team: text('Team.') }, required: ['name', 'team'] },
      run: ({ id }) => ({
        ...{
          id,
          name: `Name of ${String(id)}`,
          email: `${String(id)}@example.com`,
          office: 'Main street 1, second floor',
        },
        team: TEAMS[Number(String(id).slice(7)) % TEAMS.length],
      }),
    },
  ],
  chat: [
    {
      name: 'post_message',
      description: 'Posts a message to the channel of a team, and gives the message as it was posted.',
      properties: { channel: text('Name of the channel.'), message: text('What to post.') },
      output: { type: 'object', properties: { ok: { type: 'boolean' } }, required: ['ok'] },
      run: (args) => ({ ok: true, ...args, ts: '1732250000.1', permalink: 'https://chat.example.com/archives/C1/p1' }),
    },
  ],
};

const CODE = `const { tickets: open } = await tickets.list_tickets({ status: 'open' });
const old = open.filter((ticket) => ticket.age_days > 30);
const ids = [...new Set(old.map((ticket) => ticket.assignee))];
const people_ = await Promise.all(ids.map((id) => people.get_person({ id })));
const teamOf = new Map(ids.map((id, index) => [id, people_[index].team]));
const counts: Record<string, number> = {};
for (const { assignee } of old) counts[teamOf.get(assignee)] = (counts[teamOf.get(assignee)] ?? 0) + 1;
await Promise.all(Object.entries(counts).map(([team, count]) => chat.post_message({ channel: team, message: count + ' old tickets' })));
return counts;`;

/** "Tell each team how many open tickets of theirs are older than 30 days": by code, and by one call after the other. */
export async function compareTask(): Promise<void> {
  const inprocess = Object.fromEntries(Object.entries(SERVERS).map(([name, tools]) => [name, () => serve(tools)]));
  const client_configs = Object.keys(SERVERS).map((name) => ({
    ...{ name, connection_type: 'inprocess', connection_string: name },
    ...{ tools_to_execute: ['*'], tools_to_auto_execute: ['*'] },
  }));
  const gateway = await createGateway({ port: 0, apiKey: API_KEY, inprocess, config: { mcp: { client_configs } } });
  try {
    await gateway.ready;
    const single = await callByCall(gateway.address);
    const code = await byCode(gateway.address, false);
    print('call by call', single);
    print('code, servers unknown to the model', code);
    print('code, declarations read before', await byCode(gateway.address, true));
    console.log(`code needs ${percent(code.characters, single.characters)} of the tokens`);
  } finally {
    await gateway.close();
  }
}

function serve(tools: readonly ExampleTool[]): Server {
  const server = new Server({ name: 'example', version: '1' }, { capabilities: { tools: {} } });
  server.setRequestHandler(ListToolsRequestSchema, () => ({
    tools: tools.map(({ name, description, properties, output }) => ({
      ...{ name, description },
      inputSchema: { type: 'object' as const, properties },
      outputSchema: output as { type: 'object' },
    })),
  }));
  server.setRequestHandler(CallToolRequestSchema, ({ params }) => {
    const result = tools.find(({ name }) => name === params.name)?.run(params.arguments ?? {}) ?? {};
    return { content: [{ type: 'text', text: JSON.stringify(result) }], structuredContent: { ...result } };
  });
  return server;
}

/** As a model that makes independent calls in one round does it. */
async function callByCall(address: string): Promise<Used> {
  const model = await connect(address, 'tools');
  const [listed] = await model.round([['tickets-list_tickets', { status: 'open' }]]);
  const old = (listed as { tickets: typeof tickets }).tickets.filter(({ age_days }) => age_days > 30);
  const ids = [...new Set(old.map(({ assignee }) => assignee))];
  const found = await model.round(ids.map((id) => ['people-get_person', { id }]));
  const teams = new Map(ids.map((id, index) => [id, (found[index] as { team: string }).team]));
  const counts = Object.groupBy(old, ({ assignee }) => teams.get(assignee) ?? '');
  const messages = Object.entries(counts).map(([channel, all]) => ({ channel, message: `${all?.length} old tickets` }));
  await model.round(messages.map((message) => ['chat-post_message', message]));
  return model.used;
}

/** As a model does it that has never seen the servers: it looks, reads and runs. One that knows them only runs. */
async function byCode(address: string, isKnown: boolean): Promise<Used> {
  const model = await connect(address, 'code');
  if (!isKnown) await model.round([['listToolFiles', {}]]);
  if (!isKnown)
    await model.round(Object.keys(SERVERS).map((name) => ['readToolFile', { fileName: `servers/${name}.d.ts` }]));
  const [answer] = await model.round([['executeToolCode', { code: CODE }]]);
  if (!String(answer).includes('Return value')) throw new Error(String(answer));
  return model.used;
}

async function connect(address: string, mode: string) {
  const used: Used = { rounds: 0, characters: 0 };
  let id = 0;
  async function ask(method: string, params: object): Promise<Record<string, unknown>> {
    const response = await fetch(`${address}/mcp?mode=${mode}`, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${API_KEY}`,
        'content-type': 'application/json',
        accept: 'application/json, text/event-stream',
      },
      body: JSON.stringify({ jsonrpc: '2.0', id: (id += 1), method, params }),
    });
    const { result, error } = (await response.json()) as {
      result?: Record<string, unknown>;
      error?: { message: string };
    };
    if (result === undefined) throw new Error(`${method}: ${error?.message}`);
    return result;
  }
  used.characters += JSON.stringify((await ask('tools/list', {})).tools).length;
  return {
    used,
    /** The calls of one answer of the model; gives what each told it. */
    async round(calls: readonly (readonly [string, object])[]): Promise<unknown[]> {
      used.rounds += 1;
      return Promise.all(
        calls.map(async ([name, args]) => {
          const { content, structuredContent } = await ask('tools/call', { name, arguments: args });
          const said = (content as { text: string }[]).map((block) => block.text).join('');
          used.characters += name.length + JSON.stringify(args).length + said.length;
          return structuredContent ?? said;
        }),
      );
    },
  };
}

function print(what: string, { rounds, characters }: Used): void {
  console.log(`${what.padEnd(36)} ${String(rounds).padStart(2)} round trips, ${Math.round(characters / 4)} tokens`);
}

function percent(part: number, whole: number): string {
  return `${((part / whole) * 100).toFixed(0)} %`;
}
