// `asbru start` over a gateway that only says which process answers, for tests of workers: node pid-gateway.mjs '<flags as JSON>'
import { existsSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { start } from '../../src/cli/start.ts';

const { FAKE_START_ERROR: startError, FAKE_ONLY_ONE: onlyOne, FAKE_CLOSE_MS: closeMs = '0' } = process.env;

await start(JSON.parse(process.argv[2]), createGateway);

async function createGateway({ host, port, shareMetrics, stdioHost, logger }) {
  if (process.env.FAKE_SAY) logger.info(process.env.FAKE_SAY);
  if (startError) throw new Error(startError);
  if (onlyOne && existsSync(onlyOne)) throw new Error('another one is there');
  if (onlyOne) writeFileSync(onlyOne, '');
  let answered = 0;
  const metrics = shareMetrics(
    async () => `# HELP answered_total Answers.\n# TYPE answered_total counter\nanswered_total ${answered}\n`,
  );
  const answers = {
    '/crash': () => process.kill(process.pid, 'SIGKILL'),
    '/metrics': metrics,
    '/stdio-host': () => stdioHost,
    '/': () => ((answered += 1), String(process.pid)),
  };
  const server = createServer((request, response) => {
    response.setHeader('connection', 'close');
    void Promise.resolve(answers[request.url]()).then((text) => response.end(text));
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
}
