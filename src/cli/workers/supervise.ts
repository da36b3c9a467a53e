import cluster from 'node:cluster';
import { GatewayError } from '../../lib/errors.ts';
import { createLogger } from '../../lib/logger.ts';
import { startStdioHost } from '../../mcp/transport/stdio-host/host.ts';
import { createExchange } from '../../store/exchange.ts';
import type { StartOptions } from '../options.ts';
import { onStop } from '../stop.ts';
import { createCrew, describeEnding } from './crew.ts';
import { createMetricsOfAll } from './metrics-of-all.ts';
import { saveConnections } from './save-connections.ts';

/**
 * Starts several workers and stays with them: it takes the connections for all and hands each to one that is free, replaces
 * workers that end, and passes on the wish to stop. It serves nothing itself, so that nothing can keep it from that.
 */
export async function supervise({
  workers: count,
  logLevel,
  logStyle,
}: Pick<StartOptions, 'workers' | 'logLevel' | 'logStyle'>): Promise<void> {
  const logger = createLogger({ level: logLevel, style: logStyle });
  cluster.schedulingPolicy = cluster.SCHED_RR;
  const host = await startStdioHost({ logger });
  const exchange = createExchange();
  const metrics = createMetricsOfAll();
  let isClosing = false;
  const crew = createCrew({
    count,
    stdioHost: host.path,
    logger,
    onWorker(worker) {
      saveConnections(worker);
      metrics.follow(worker);
      exchange.add(worker);
    },
  });
  onStop({
    async close() {
      isClosing = true;
      try {
        await crew.close();
      } finally {
        await host.close();
      }
    },
    cut: () => crew.kill(),
    signals: ['SIGINT', 'SIGTERM'],
  });
  // Not SIGHUP, which also comes when the terminal is closed.
  process.on('SIGUSR2', () => void crew.replaceAll());

  const ending = await crew.open();
  if (ending === undefined || isClosing) return;
  await host.close();
  // A worker that ends with 1 has said why.
  if (ending[0] === 1) process.exit(1);
  throw new GatewayError('internal_error', `the first worker ended ${describeEnding(ending)} before it served`);
}
