/** `npm run bench -- scale`: what many servers and many virtual keys cost, as a curve. Through the built gateway, over HTTP. */
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { demandBuild } from './asbru.ts';
import { startServer } from './processes.ts';
import { listTopFunctions } from './profile.ts';
import { createFixture, TOOLS_EACH, type Size } from './scale-fixture.ts';
import { measureSize, type Figures } from './scale-measure.ts';

const help = `npm run bench -- scale [options]     what many servers and many virtual keys cost

  --servers A,B,C     numbers of servers, ${TOOLS_EACH} tools each (10,100,1000)
  --keys A,B,C        numbers of virtual keys, each for every number of servers (10000)
  --postgres URL      an empty PostgreSQL database instead of SQLite; for one size only
  --profile           also profiles the process of the last size, and prints where its time went
  --help              this text`;

/** Upper limits at 1,000 servers and 10,000 keys. */
const TARGETS: ReadonlyMap<string, number> = new Map([
  ['start, until it listens', 2_000],
  ['tools/list of 200 tools, p99', 5],
  ['the first tools/list after it, p99', 5],
  ['the first tools/list after that, p99', 5],
  ['PUT with 1,000 vk_configs, p99', 200],
]);
const PROFILE = { dir: fileURLToPath(new URL('results', import.meta.url)), name: 'scale.cpuprofile' };
const PROFILE_LINES = 40;

const { values: options } = parseArgs({
  options: {
    servers: { type: 'string', default: '10,100,1000' },
    keys: { type: 'string', default: '10000' },
    postgres: { type: 'string' },
    profile: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});
if (options.help) console.log(help);
else await run();

async function run(): Promise<void> {
  demandBuild();
  const sizes = readNumbers(options.keys).flatMap((keys) =>
    readNumbers(options.servers).map((servers): Size => ({ servers, keys })),
  );
  const script = fileURLToPath(new URL('targets/upstream.ts', import.meta.url));
  await using many = await startServer({ script });
  await using first = await startServer({ script });
  const curve: [Size, Figures][] = [];
  for (const [at, size] of sizes.entries()) {
    const isProfiled = options.profile && at === sizes.length - 1;
    const nodeArgs = isProfiled
      ? ['--cpu-prof', `--cpu-prof-dir=${PROFILE.dir}`, `--cpu-prof-name=${PROFILE.name}`]
      : [];
    await using fixture = await createFixture(size, { many: many.origin, first: first.origin }, options.postgres);
    curve.push([size, await measureSize(fixture, nodeArgs)]);
    console.error(`measured ${describe(size)}`);
  }
  print(curve);
  if (!options.profile) return;
  for (const line of await listTopFunctions(`${PROFILE.dir}/${PROFILE.name}`, PROFILE_LINES)) console.log(line);
}

/** One line for each figure: its value at each size, and how much more that is than at the smallest. */
function print(curve: readonly [Size, Figures][]): void {
  const [smallest] = curve;
  if (smallest === undefined) return;
  console.log(`| ms, or as said | ${curve.map(([size]) => describe(size)).join(' | ')} | growth | target |`);
  console.log(`| --- | ${curve.map(() => '--: |').join(' ')} --: | --- |`);
  for (const name of smallest[1].keys()) {
    const values = curve.map(([, figures]) => figures.get(name) ?? Number.NaN);
    const growth = (values.at(-1) ?? Number.NaN) / (values[0] ?? Number.NaN);
    const most = TARGETS.get(name);
    const verdict = most === undefined ? '' : `≤ ${most}: ${(values.at(-1) ?? Infinity) <= most ? 'met' : 'MISSED'}`;
    const grown = Number.isFinite(growth) ? `${round(growth)}×` : '–';
    console.log(`| ${name} | ${values.map(round).join(' | ')} | ${grown} | ${verdict} |`);
  }
}

function describe({ servers, keys }: Size): string {
  return `${servers.toLocaleString('en')} servers, ${keys.toLocaleString('en')} keys`;
}

function round(value: number): string {
  return value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(2);
}

function readNumbers(text: string): number[] {
  return text.split(',').map((part) => {
    const value = Number(part);
    if (!Number.isInteger(value) || value < 10) throw new Error(`"${part}" must be a whole number of at least 10`);
    return value;
  });
}
