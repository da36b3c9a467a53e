import { setTimeout as sleep } from 'node:timers/promises';
import { createAppDir, startAsbru, waitUntilConnected } from './asbru.ts';
import { readMemory } from './proc.ts';
import { median } from './statistics.ts';
import { asHttpClient } from './targets.ts';

/** What starting the gateway with its registered servers costs. */
export interface StartFigures {
  /** Until it listens, with the servers in its database: the median of the starts. */
  start_ms: number;
  /** The same for the very first start, which creates the database and registers the servers. */
  first_start_ms: number;
  idle_rss_mb: number;
}

const SERVERS = 20;
const TOOLS_EACH = 25;
const STARTS = 3;
const SETTLE_MS = 3000;

/** Starts the gateway with 20 servers and 500 tools in all, once to register them and three times to measure. */
export async function measureStart(upstreamOrigin: string): Promise<StartFigures> {
  const clients = Array.from({ length: SERVERS }, (_, index) =>
    asHttpClient(`server_${index + 1}`, `${upstreamOrigin}/mcp/${TOOLS_EACH}`),
  );
  await using appDir = await createAppDir(clients);
  const starts: number[] = [];
  let idle = Number.NaN;
  for (let index = 0; index <= STARTS; index++) {
    await using server = await startAsbru(appDir);
    starts.push(server.startMs);
    await waitUntilConnected(server.origin, SERVERS);
    if (index < STARTS) continue;
    await sleep(SETTLE_MS);
    idle = readMemory(server.pid).rss;
  }
  const [first = Number.NaN, ...later] = starts;
  return { start_ms: median(later), first_start_ms: first, idle_rss_mb: idle };
}
