import { corpusServers } from '../test/kit/tool-corpus.ts';
import { foundTools, SEARCH_MODE, searchText, startCorpusGateway } from '../test/kit/search.ts';
import { postModern } from '../test/kit/wire.ts';
import type { ToolEntry } from '../src/mcp/view.ts';
import { compileIndex } from '../src/mcp/search/tool-index.ts';

// What tool search costs the gateway, and what it saves a model: node bench/search.ts

const QUERIES = [
  'create a github issue',
  'list kubernetes pods',
  'refund a payment in stripe',
  'read an email in gmail',
  'add a row to a spreadsheet',
  'delete file on local disk',
];
const ROUNDS = 20;

/** Fresh entries, so that nothing is remembered of the last round. */
function freshTools(): Map<string, ToolEntry> {
  return new Map(
    corpusServers().flatMap(({ name, tools }) =>
      tools.map((tool) => {
        const entry = { upstream: { client: { name } }, listed: { name: tool.name, json: JSON.stringify(tool) } };
        return [`${name}-${tool.name}`, entry as unknown as ToolEntry] as const; // all that an index reads
      }),
    ),
  );
}

function median(values: readonly number[]): string {
  return (values.toSorted((a, b) => a - b)[values.length >> 1] ?? 0).toFixed(2);
}

/** Milliseconds of this thread on the processor, whatever else the machine does. */
function time(run: () => void): number {
  const before = process.threadCpuUsage();
  run();
  return process.threadCpuUsage(before).user / 1_000;
}

function measureIndex(): void {
  const first: number[] = [];
  const again: number[] = [];
  const queries: number[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    const tools = freshTools();
    first.push(time(() => void compileIndex(tools)));
    // After a change elsewhere, or for a key with other rights.
    again.push(time(() => void compileIndex(tools)));
    const index = compileIndex(tools);
    // The clock of the processor is too coarse for one.
    const all = time(() => {
      for (let at = 0; at < 20; at += 1) for (const query of QUERIES) index.search(query, 5);
    });
    queries.push(all / (20 * QUERIES.length));
  }
  console.log(
    `5,000 tools: index ${median(first)} ms in slices of 200 tools, again ${median(again)} ms, query ${median(queries)} ms (medians)`,
  );
}

async function measureTokens(): Promise<void> {
  await using gateway = await startCorpusGateway();
  const tokens = (text: string): number => Math.round(text.length / 4);
  const whole = tokens((await postModern(gateway, 'tools/list')).text);
  const listed = tokens((await postModern(gateway, 'tools/list', {}, { headers: SEARCH_MODE })).text);
  console.log(`tools/list: ${whole} tokens; in search mode: ${listed} tokens (a token: four characters)`);
  for (const query of QUERIES) {
    const answer = tokens(await searchText(gateway, { query }));
    const [best] = await foundTools(gateway, query);
    console.log(
      `  "${query}": ${answer} tokens, best: ${best}; in all ${Math.round(whole / (listed + answer))} times less`,
    );
  }
}

measureIndex();
await measureTokens();
