// `asbru start` over a gateway that only says which process answers, for tests of workers: node pid-gateway.mjs '<flags as JSON>'
import { createServer } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { start } from '../../src/cli/start.ts';

const { FAKE_START_ERROR: startError, FAKE_CLOSE_MS: closeMs = '0' } = process.env;

await start(JSON.parse(process.argv[2]), async ({ host, port, shareMetrics }) => {
  if (startError) throw new Error(startError);
  let answered = 0;
  const metrics = shareMetrics(
    async () => `# HELP answered_total Answers.\n# TYPE answered_total counter\nanswered_total ${answered}\n`,
  );
  const server = createServer(async (request, response) => {
    if (request.url === '/crash') process.kill(process.pid, 'SIGKILL');
    if (request.url === '/metrics') return response.end(await metrics());
    answered += 1;
    response.setHeader('connection', 'close').end(String(process.pid));
  });
  await new Promise((resolve, reject) => server.once('error', reject).listen(port, host, resolve));
  return {
    address: `http://${host}:${server.address().port}`,
    ready: Promise.resolve([]),
    async close() {
      await sleep(Number(closeMs));
      await new Promise((resolve) => server.close(resolve));
    },
  };
});
