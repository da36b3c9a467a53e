import { startBalancer, type Balancer } from './balancer.ts';
import { startChildGateway, type ChildGateway } from './child-gateway.ts';
import { accessGateway, randomApiKey, type GatewayAccess } from './gateway.ts';
import type { SharedPlace } from './shared.ts';

/** Gateways in processes of their own, on one database, behind a balancer. */
export interface Nodes extends GatewayAccess, AsyncDisposable {
  readonly all: readonly ChildGateway[];
  readonly balancer: Balancer;
  /** Replaces a node as a rolling upgrade does: the new one is ready before the old one is asked to end. */
  replace(index: number): Promise<void>;
  /** Ends a node with SIGKILL, and starts another one. */
  kill(index: number): Promise<void>;
}

/** So long a node goes on after it has said that it is not ready any more, in seconds: several looks of the balancer. */
const GRACE = 0.5;

/** Starts so many nodes on this database. */
export async function startNodes(
  count: number,
  { settings, exchange }: Pick<SharedPlace, 'settings' | 'exchange'>,
): Promise<Nodes> {
  const apiKey = randomApiKey();
  const start = (): Promise<ChildGateway> =>
    startChildGateway({ ...settings, drainGrace: GRACE, apiKey }, { exchange });
  const all = [await start()];
  all.push(...(await Promise.all(Array.from({ length: count - 1 }, start))));
  const balancer = await startBalancer(all.map(({ address }) => address));
  const announce = (): void => balancer.use(all.map(({ address }) => address));
  return {
    ...accessGateway(balancer.address, apiKey),
    all,
    balancer,
    async replace(index) {
      const fresh = await start();
      await isReady(fresh);
      const [old] = all.splice(index, 1, fresh);
      balancer.use([...all, ...(old === undefined ? [] : [old])].map(({ address }) => address));
      await old?.stop();
      announce();
    },
    async kill(index) {
      await all[index]?.kill();
      all[index] = await start();
      announce();
    },
    async [Symbol.asyncDispose]() {
      await Promise.all(all.map((node) => node[Symbol.asyncDispose]()));
      await balancer[Symbol.asyncDispose]();
    },
  };
}

async function isReady({ address }: GatewayAccess): Promise<void> {
  while ((await fetch(`${address}/health/ready`)).status !== 200)
    await new Promise((resolve) => setTimeout(resolve, 20));
}
