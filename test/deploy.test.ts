import { existsSync, globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { parseConfig } from '../src/config/file.ts';
import { startGateway } from './kit/gateway.ts';

const root = join(import.meta.dirname, '..');
const read = (file: string) => readFileSync(join(root, file), 'utf8');
const chart = 'deploy/helm/asbru';
const templates = globSync(`${chart}/templates/*`, { cwd: root });
const files = ['Dockerfile', 'compose.yaml', 'deploy/compose/haproxy.cfg', `${chart}/values.yaml`, ...templates];
const [dockerfile, compose, values] = [read('Dockerfile'), read('compose.yaml'), read(`${chart}/values.yaml`)];
const packageJson = JSON.parse(read('package.json')) as { version: string; dependencies: Record<string, string> };

/** Every match of the one group of a pattern. */
const all = (text: string, pattern: RegExp) => [...text.matchAll(pattern)].map(([, group = '']) => group);
const only = (text: string, pattern: RegExp) => {
  const found = all(text, pattern);
  expect(new Set(found).size, `${pattern} in the text`).toBe(1);
  return found[0]!;
};

test('the image has the Node and the chart the version that package.json names', () => {
  expect(only(dockerfile, /^ARG NODE_VERSION=(.*)$/gm)).toBe(packageJson.dependencies['node']);
  expect(only(read(`${chart}/Chart.yaml`), /^appVersion: '(.*)'$/gm)).toBe(packageJson.version);
});

test('every variable that is set is one that the gateway reads', () => {
  const known = new Set(all(read('src/cli/options.ts'), /'(ASBRU_\w+)'/g));
  for (const file of [...files, '.env.example']) {
    for (const name of all(read(file), /\b(ASBRU_\w+)/g)) expect(known, `${name} in ${file}`).toContain(name);
  }
  expect(known.size).toBeGreaterThan(5);
});

test('every variable that compose.yaml takes is in .env.example, and the other way round', () => {
  const taken = new Set(all(compose, /\$\{(\w+)/g));
  expect(new Set(all(read('.env.example'), /^(\w+)=/gm))).toEqual(taken);
});

test('everything speaks of the same port', () => {
  const port = only(dockerfile, /ASBRU_PORT=(\d+)/g);
  expect(only(dockerfile, /^EXPOSE (\d+)$/gm)).toBe(port);
  expect(only(compose, /:(\d+)'$/gm)).toBe(only(read('deploy/compose/haproxy.cfg'), /bind :(\d+)$/gm));
  expect(only(read('deploy/compose/haproxy.cfg'), /server gateway-\d gateway-\d:(\d+)$/gm)).toBe(port);
  expect(only(read(`${chart}/templates/deployment.yaml`), /containerPort: (\d+)/g)).toBe(port);
});

test('the balancer knows every gateway of compose.yaml', () => {
  const gateways = all(compose, /^ {2}(gateway-\d+): \*gateway$/gm);
  expect(all(read('deploy/compose/haproxy.cfg'), /^ {4}server \S+ (\S+):/gm)).toEqual(gateways);
});

test('every probe asks an address that answers when the gateway is well', async () => {
  await using gateway = await startGateway();
  const asked = files.flatMap((file) => all(read(file), /(\/health\/\w+)/g));
  expect(asked).toContain('/health/live');
  expect(asked).toContain('/health/ready');
  for (const path of new Set(asked)) {
    const answer = await fetch(`${gateway.address}${path}`);
    expect(answer.status, path).toBe(200);
  }
});

test('what is copied into the image exists, and is let in', () => {
  const [, ...lines] = read('.dockerignore').split('\n');
  const isLetIn = (path: string) => lines.includes(`!${path}`);
  const copied = all(dockerfile, /^COPY (?!--from)(.+)$/gm).flatMap((text) => text.split(' ').slice(0, -1));
  expect(copied.length).toBeGreaterThan(5);
  for (const path of copied) {
    expect(isLetIn(path), `${path} in .dockerignore`).toBe(true);
    expect(existsSync(join(root, path)), path).toBe(true);
  }
  expect(copied).toContain(only(dockerfile, /^ENTRYPOINT \["node", "\/app\/(\w+)\//gm));
});

test('the configurations are ones that the gateway takes, without a warning', () => {
  const section = only(values, /^config:\n((?: {2}.*\n)+)/gm);
  const json = `{${section.trim().replaceAll('\n', ',')}}`.replaceAll(/[a-z_][\w.]*/gi, '"$&"');
  for (const text of [read('deploy/compose/config.json'), json]) {
    const { file, warnings } = parseConfig(text);
    expect(warnings).toEqual([]);
    expect(file.config_store?.type).toBe('postgres');
  }
});

test('a node is given the time that its drain may take', () => {
  const drain = Number(only(read('src/app/edges.ts'), /DRAIN_MS = (\d+_?\d*);/g).replace('_', '')) / 1000;
  const grace = Number(only(compose, /ASBRU_DRAIN_GRACE: (\d+)/g));
  expect(Number(only(compose, /stop_grace_period: (\d+)s/g))).toBeGreaterThan(grace + drain);
  const added = only(read(`${chart}/templates/deployment.yaml`), /\.drainGraceSeconds (\d+) \}\}/g);
  expect(Number(added)).toBeGreaterThan(drain);
});

test('every value of the chart is in its schema, and what templates ask for is a value', () => {
  const schema = JSON.parse(read(`${chart}/values.schema.json`)) as { properties: Record<string, unknown> };
  const names = all(values, /^(\w+):/gm);
  expect(new Set(Object.keys(schema.properties))).toEqual(new Set([...names, 'global']));
  const asked = templates.flatMap((file) => all(read(file), /\.Values\.(\w+)/g));
  expect(asked.length).toBeGreaterThan(20);
  for (const name of asked) expect(names).toContain(name);
});

test('the operations guide names commands, metrics and variables that there are', () => {
  const guide = read('docs/operations.md');
  const commands = new Set(all(read('src/main.ts'), /command\('([\w-]+)/g));
  const named = all(guide, /asbru ([a-z][a-z-]+)/g).filter((word) => !['deploy', 'sits'].includes(word));
  expect(named).toContain('backup');
  for (const command of named) expect(commands, command).toContain(command);
  const metrics = read('docs/metrics.md');
  const asked = all(guide, /\b((?:bifrost|asbru|http|nodejs|process)_\w+?)(?:_bucket|_count|_sum)?\b(?=[{[\s)`])/g);
  expect(asked.length).toBeGreaterThan(8);
  for (const name of asked) expect(metrics).toContain(`| \`${name}\``);
  const known = all(read('src/cli/options.ts'), /'(ASBRU_\w+)'/g);
  for (const name of all(guide, /\b(ASBRU_\w+)/g)) expect(known, name).toContain(name);
});
