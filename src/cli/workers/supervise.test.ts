import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { childrenOf, isAlive } from '../../../test/kit/processes.ts';
import { waitFor } from '../../../test/kit/wait.ts';

const script = join(import.meta.dirname, '..', '..', '..', 'test', 'kit', 'pid-gateway.mjs');
const folder = mkdtempSync(join(tmpdir(), 'asbru-workers-'));
afterAll(() => rmSync(folder, { recursive: true }));

const postgres = join(folder, 'postgres.json');
const store = { type: 'postgres', config: { url: 'postgres://nobody@127.0.0.1:1/none' } };
writeFileSync(postgres, JSON.stringify({ config_store: store }));

/** Runs `asbru start` with several workers over a gateway that answers with the number of its process. */
function launch(flags: Record<string, string> = {}, env: Record<string, string> = {}) {
  const all = { port: '0', appDir: folder, workers: '2', config: postgres, logStyle: 'json', ...flags };
  const child = spawn(process.execPath, [script, JSON.stringify(all)], { env: { ...process.env, ...env } });
  const out = { stdout: '', stderr: '' };
  child.stdout.on('data', (data) => (out.stdout += String(data)));
  child.stderr.on('data', (data) => (out.stderr += String(data)));
  const exit = once(child, 'close').then(([code]) => code as number | null);
  const pid = child.pid ?? 0;
  return { child, pid, out, exit, [Symbol.asyncDispose]: () => end(pid, exit) };
}

/** At once, whatever state it is in. */
async function end(pid: number, exit: Promise<unknown>): Promise<void> {
  const workers = isAlive(pid) ? await childrenOf(pid) : [];
  for (const one of isAlive(pid) ? [pid, ...workers.map((worker) => worker.pid)] : []) process.kill(one, 'SIGKILL');
  await exit;
}

type Launched = ReturnType<typeof launch>;

/** One request on a connection of its own: the process that answered, or nothing if none did. */
async function ask({ out }: Launched, path = '/'): Promise<string> {
  const [, address = ''] = /listening on (\S+)/.exec(out.stdout) ?? [];
  return fetch(`${address}${path}`, { headers: { connection: 'close' } }).then(
    (response) => response.text(),
    () => '',
  );
}

/** Waits until so many processes answer, and gives them. */
async function answering(launched: Launched, count = 2): Promise<Set<string>> {
  return waitFor(
    async () => {
      const pids = new Set<string>();
      for (let round = 0; round < count * 2; round += 1) pids.add(await ask(launched));
      return pids.size === count && !pids.has('') && pids;
    },
    `${count} workers to answer: ${launched.out.stderr}`,
    60_000,
  );
}

async function workersOf({ pid }: Launched): Promise<number[]> {
  return (await childrenOf(pid)).map((child) => child.pid);
}

describe.skipIf(process.platform === 'win32')('several workers', () => {
  test('serve one port, said once, log under their numbers, and a signal ends them all', async () => {
    await using gateway = launch({}, { FAKE_SAY: 'hello' });
    const pids = await answering(gateway);
    expect(new Set(await workersOf(gateway))).toEqual(new Set([...pids].map(Number)));
    gateway.child.kill('SIGTERM');
    expect(await gateway.exit).toBe(0);
    expect(gateway.out.stdout.match(/listening/g)).toHaveLength(1);
    const lines = gateway.out.stderr.trim().split('\n');
    const numbers = lines.map((line) => (JSON.parse(line) as { worker: number }).worker);
    expect(new Set(numbers)).toEqual(new Set([1, 2]));
    expect(lines).toHaveLength(2);
    for (const pid of pids) expect(isAlive(Number(pid))).toBe(false);
  });

  test('are replaced when they die, while the others go on', async () => {
    await using gateway = launch();
    const before = await answering(gateway);
    await ask(gateway, '/crash');
    expect(before).toContain(await ask(gateway));
    const after = await answering(gateway);
    expect([...after].filter((pid) => before.has(pid))).toHaveLength(1);
    expect(gateway.out.stderr).toMatch(/"signal":"SIGKILL".*a worker has ended; another one takes its place/);
  });

  test('are replaced when they give no sign of life, though their process lives', async () => {
    await using gateway = launch();
    const [stuck = '', other = ''] = await answering(gateway);
    process.kill(Number(stuck), 'SIGSTOP');
    await waitFor(() => !isAlive(Number(stuck)), 'the stopped worker to be killed', 80_000);
    expect(await answering(gateway)).toContain(other);
    expect(gateway.out.stderr).toMatch(/gives no sign of life any more; it is killed/);
  });

  test('that die leave connections that they have not taken to the others', async () => {
    await using gateway = launch();
    const [stuck = ''] = await answering(gateway);
    process.kill(Number(stuck), 'SIGSTOP');
    let answered = 0;
    const asked = Array.from({ length: 6 }, () => ask(gateway).finally(() => (answered += 1)));
    await waitFor(() => answered === 5, 'all answers but that of the stopped worker');
    process.kill(Number(stuck), 'SIGKILL');
    const answers = await Promise.all(asked);
    expect(answers).not.toContain('');
    expect(answers).not.toContain(stuck);
  });

  test('that cannot start are tried again, ever more slowly, while the others go on', async () => {
    await using gateway = launch({}, { FAKE_ONLY_ONE: join(folder, 'only-one') });
    const waits = () => [...gateway.out.stderr.matchAll(/"worker":2,.*"wait":(\d+)/g)].map(([, wait]) => Number(wait));
    await waitFor(() => waits().length > 2, 'three attempts');
    const [first = -1, second = -1, third = -1] = waits();
    expect(first).toBe(0);
    expect(second).toBeGreaterThanOrEqual(500);
    expect(third).toBeGreaterThanOrEqual(1_000);
    expect(gateway.out.stderr).toContain('worker 2 of asbru cannot start: another one is there\n');
    expect((await answering(gateway, 1)).size).toBe(1);
    gateway.child.kill('SIGTERM');
    expect(await gateway.exit).toBe(0);
  });

  test('are told where to find what runs once for all of them, which ends after them', async () => {
    await using gateway = launch();
    await answering(gateway);
    const socket = await ask(gateway, '/stdio-host');
    for (let call = 0; call < 3; call += 1) expect(existsSync(await ask(gateway, '/stdio-host'))).toBe(true);
    gateway.child.kill('SIGTERM');
    expect(await gateway.exit).toBe(0);
    expect(existsSync(socket)).toBe(false);
  });

  test('are replaced one after the other on SIGUSR2, without a failed request', async () => {
    await using gateway = launch();
    const before = await answering(gateway);
    const answers: string[] = [];
    const over = new AbortController();
    const load = (async () => {
      while (!over.signal.aborted) answers.push(await ask(gateway));
    })();
    gateway.child.kill('SIGUSR2');
    await waitFor(
      async () => (await workersOf(gateway)).every((pid) => !before.has(String(pid))),
      'new workers',
      60_000,
    );
    over.abort();
    await load;
    expect(answers).not.toContain('');
    expect([...(await answering(gateway))].filter((pid) => before.has(pid))).toEqual([]);
  });

  test('drain when the process that started them is killed', async () => {
    await using gateway = launch();
    const pids = await answering(gateway);
    gateway.child.kill('SIGKILL');
    await waitFor(() => [...pids].every((pid) => !isAlive(Number(pid))), 'the workers to end');
    expect(gateway.out.stderr).toBe('');
  });

  test('do not wait for the drain after a second signal', async () => {
    await using gateway = launch({}, { FAKE_CLOSE_MS: '600000' });
    const pids = await answering(gateway);
    const again = setInterval(() => gateway.child.kill('SIGTERM'), 150);
    expect(await gateway.exit).toBe(1);
    clearInterval(again);
    await waitFor(() => [...pids].every((pid) => !isAlive(Number(pid))), 'the workers to end');
  });

  test('are counted together, also those that have ended', async () => {
    await using gateway = launch();
    await answering(gateway);
    const count = async () => Number(/^answered_total (\d+)$/m.exec(await ask(gateway, '/metrics'))?.[1]);
    const before = await count();
    expect(before).toBeGreaterThanOrEqual(4);
    for (let call = 0; call < 5; call += 1) await ask(gateway);
    expect(await count()).toBe(before + 5);
    const old = await workersOf(gateway);
    gateway.child.kill('SIGUSR2');
    await waitFor(async () => (await workersOf(gateway)).every((pid) => !old.includes(pid)), 'new workers', 60_000);
    expect(await count()).toBe(before + 5);
    await ask(gateway, '/crash');
    expect(await count()).toBe(before + 5);
  });

  test('end at once with a signal that comes before they serve', async () => {
    await using gateway = launch();
    await waitFor(async () => (await workersOf(gateway)).length > 0, 'the first worker');
    gateway.child.kill('SIGTERM');
    expect(await gateway.exit).toBe(0);
    expect(gateway.out).toEqual({ stdout: '', stderr: '' });
  });
});

describe('a start with several workers that fails', () => {
  test('says in one sentence that the port is in use', async () => {
    const taken = createServer().listen(0, '127.0.0.1');
    await once(taken, 'listening');
    const { port } = taken.address() as AddressInfo;
    const { out, exit } = launch({ port: String(port) });
    expect(await exit).toBe(1);
    const sentence = `port ${port} on 127.0.0.1 is already in use; choose another one with --port`;
    expect(out).toEqual({ stdout: '', stderr: `asbru cannot start: ${sentence}\n` });
    taken.close();
  });

  test('says whatever else the first one says, and starts no other', async () => {
    const { out, exit } = launch({}, { FAKE_START_ERROR: 'the passphrase does not fit' });
    expect(await exit).toBe(1);
    expect(out).toEqual({ stdout: '', stderr: 'asbru cannot start: the passphrase does not fit\n' });
  });

  test('says that a database in memory is of one process', async () => {
    const memory = join(folder, 'memory.json');
    writeFileSync(memory, JSON.stringify({ config_store: { type: 'sqlite', config: { path: ':memory:' } } }));
    const { out, exit } = launch({ config: memory });
    expect(await exit).toBe(1);
    expect(out.stderr).toBe(
      'asbru cannot start: 2 workers (--workers) cannot share a database in memory, as config.json names it in ' +
        'config_store; name a file there, or start with --workers 1\n',
    );
  });
});
