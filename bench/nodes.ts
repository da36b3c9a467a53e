/**
 * `npm run bench -- nodes [seconds]`: three nodes on one PostgreSQL behind a balancer that sends every request to the next. First a
 * change by PUT on one node and the moment when the other two show it, 500 times under load. Then 200 calls a second, in all ways,
 * while every node is replaced in turn and one is killed; every call that failed is explained.
 */
import { httpClient } from '../test/kit/gateway.ts';
import { startNodes, type Nodes } from '../test/kit/nodes.ts';
import { settingsFor } from '../test/kit/shared.ts';
import { createDatabase, startPostgres, stopPostgres } from '../test/kit/postgres-server.ts';
import { listedTools } from '../test/kit/scene.ts';
import { startSteadyLoad, WAYS, type LoadOutcome } from '../test/kit/steady-load.ts';
import { startUpstream } from '../test/kit/upstream.ts';
import { quantile } from './statistics.ts';

const SECONDS = Number(process.argv[2] ?? 120);
const CHANGES = 500;
const [CALM, BUSY] = [50, 200];

/** What the codes of failed calls mean. */
const REASONS: Readonly<Record<string, string>> = {
  node_lost:
    'was under way at the killed node, passed on by another one; the server may have run it, so it is not sent again',
  'HTTP 502': 'was under way at the killed node; the server may have run it, so the balancer does not send it again',
  '502': 'as above, over REST',
};

const postgres = await startPostgres();
try {
  await using upstream = await startUpstream({ answersJson: true });
  await using nodes = await startNodes(3, {
    settings: settingsFor(await createDatabase(postgres)),
    exchange: undefined,
  });
  const id = await nodes.createClient(httpClient(upstream.url));
  await measureChanges(nodes, id);
  await replaceAll(nodes, () => upstream.host.calls.map((call) => String(call.arguments['text'])));
} finally {
  await stopPostgres(postgres);
}

async function measureChanges(nodes: Nodes, id: string): Promise<void> {
  const load = await startSteadyLoad(nodes, CALM);
  const seen: number[] = [];
  const answered: number[] = [];
  for (let round = 0; round < CHANGES; round += 1) {
    const [writer, ...others] = rotate(nodes.all, round);
    if (writer === undefined) throw new Error('no node');
    const tools = round % 2 === 0 ? ['echo', 'add'] : ['*'];
    const wanted = round % 2 === 0 ? 2 : undefined;
    const begun = performance.now();
    const shown = others.map(async (other) => {
      for (;;) {
        const { length } = await listedTools(other);
        if (wanted === undefined ? length > 2 : length === wanted) return performance.now() - begun;
      }
    });
    const { status } = await writer.update(id, { tools_to_execute: tools });
    answered.push(performance.now() - begun);
    if (status !== 200) throw new Error(`PUT: ${status}`);
    seen.push(Math.max(...(await Promise.all(shown))));
  }
  const outcomes = await load.stop();
  console.log(`${CHANGES} changes by PUT, under ${CALM} calls a second; ${summary(outcomes)}`);
  for (const [name, values] of [
    ['from the PUT to both other nodes', seen],
    ['from the PUT to its answer', answered],
  ] as const) {
    const sorted = values.toSorted((a, b) => a - b);
    console.log(
      `  ${name}: p50 ${ms(quantile(sorted, 0.5))}, p99 ${ms(quantile(sorted, 0.99))}, max ${ms(sorted.at(-1) ?? 0)}`,
    );
  }
}

async function replaceAll(nodes: Nodes, texts: () => readonly string[]): Promise<void> {
  const load = await startSteadyLoad(nodes, BUSY);
  const pause = (SECONDS * 1000) / 5;
  for (const index of [0, 1, 2]) {
    await wait(pause);
    await nodes.replace(index);
  }
  await wait(pause);
  await nodes.kill(1);
  await wait(pause);
  const outcomes = await load.stop();
  console.log(`${BUSY} calls a second for ${SECONDS} s, every node replaced, one killed; ${summary(outcomes)}`);
  const times = Map.groupBy(texts(), (text) => text);
  const twice = outcomes.filter(({ text }) => (times.get(text)?.length ?? 0) > 1).length;
  console.log(`  calls run twice: ${twice}; requests that no node took: ${nodes.balancer.refused}`);
  for (const way of WAYS)
    report(
      way,
      outcomes.filter((outcome) => outcome.way === way),
    );
}

function report(way: string, outcomes: readonly LoadOutcome[]): void {
  const sorted = outcomes.map(({ took }) => took).toSorted((a, b) => a - b);
  console.log(`  ${way}: ${summary(outcomes)}, p50 ${ms(quantile(sorted, 0.5))}, p99 ${ms(quantile(sorted, 0.99))}`);
  const failed = Map.groupBy(
    outcomes.filter(({ code }) => code !== 'ok'),
    ({ code }) => code,
  );
  for (const [code, list] of failed) console.log(`    ${list.length} ${code}: ${REASONS[code] ?? 'UNEXPLAINED'}`);
}

function summary(outcomes: readonly LoadOutcome[]): string {
  return `${outcomes.length} calls, ${outcomes.filter(({ code }) => code !== 'ok').length} failed`;
}

function rotate<T>(items: readonly T[], by: number): T[] {
  const start = by % items.length;
  return [...items.slice(start), ...items.slice(0, start)];
}

function ms(value: number): string {
  return `${value.toFixed(1)} ms`;
}

function wait(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
