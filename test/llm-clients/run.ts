/** `npm run llm-clients`: the clients of LLM providers, unmodified, pointed at the gateway. */
import { parseArgs } from 'node:util';
import { GAPS } from './cannot.ts';
import { CLIENTS } from './clients.ts';
import { renderFailures, renderTable } from './report.ts';
import { runRow, type RowResult } from './row.ts';
import type { Row } from './stage.ts';

const HELP = `npm run llm-clients -- [options]     tries clients of LLM providers against the gateway

  --client TEXT   only clients whose name contains it
  --format TEXT   only chat, responses or messages
  --help          this text`;

const LANES = 2;

for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130));

// What a client leaves unhandled would end a program that uses it.
let strays = 0;
process.on('unhandledRejection', (error) => {
  strays++;
  console.log(`FAIL a client left an error unhandled: ${error instanceof Error ? error.message : String(error)}`);
});

const text = { type: 'string', default: '' } as const;
const { values } = parseArgs({ options: { client: text, format: text, help: { type: 'boolean', default: false } } });
if (values.help) console.log(HELP);
else await main(values);

async function main({ client, format }: { client: string; format: string }): Promise<void> {
  const began = performance.now();
  const wanted = rows().filter((row) => row.client.name.includes(client) && row.client.format.includes(format));
  const waiting = [...wanted.entries()];
  const results: RowResult[] = [];
  const lane = async (): Promise<void> => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      const [index, row] = next;
      results[index] = await runRow(row);
    }
  };
  await Promise.all(Array.from({ length: LANES }, lane));
  console.log(renderTable(results));
  for (const { client: name, operation, why } of GAPS) console.log(`– ${name}: ${operation}: ${why}`);
  console.log(renderFailures(results));
  const cells = results.flatMap(({ cells }) => Object.values(cells));
  const failed = cells.filter(({ kind }) => kind === 'failed').length + strays;
  const passed = cells.filter(({ kind }) => kind === 'passed').length;
  console.log(`took ${((performance.now() - began) / 1000).toFixed(0)} s`);
  console.log(`${passed} passed, ${failed} failed`);
  // What clients left running must not keep the run alive.
  process.exit(failed === 0 && passed > 0 ? 0 : 1);
}

function rows(): Row[] {
  return CLIENTS.flatMap((client) =>
    (['openai', 'anthropic'] as const).flatMap((provider) =>
      [false, true].map((isStream) => ({ client, provider, isStream })),
    ),
  );
}
