import { createGateway, type Gateway, type GatewayOptions } from '../../src/app.ts';
import { startBalancer } from './balancer.ts';
import { migratedPostgresUrl } from './databases.ts';
import { accessGateway, QUIET, randomApiKey, type TestGateway } from './gateway.ts';

/** Several gateways on one PostgreSQL database, with a balancer before them that sends every request to the next. */
export async function startCluster(count: number, options: GatewayOptions): Promise<TestGateway> {
  const apiKey = options.apiKey ?? randomApiKey();
  const url = await migratedPostgresUrl();
  const config = { ...options.config, config_store: { type: 'postgres', config: { url } } };
  const start = (): Promise<Gateway> =>
    createGateway({ ...QUIET, passphrase: 'of a test', ...options, config, apiKey });
  // The first brings the database up; the others find it as they will in production.
  const first = await start();
  const gateways = [first, ...(await Promise.all(Array.from({ length: count - 1 }, start)))];
  const balancer = await startBalancer(gateways.map(({ address }) => address));
  let closing: Promise<void> | undefined;
  const closeAll = async (): Promise<void> => {
    await Promise.all(gateways.map((gateway) => gateway.close()));
    await balancer[Symbol.asyncDispose]();
  };
  const close = (): Promise<void> => (closing ??= closeAll());
  return {
    ...accessGateway(balancer.address, apiKey),
    ready: Promise.all(gateways.map(({ ready }) => ready)),
    close,
    [Symbol.asyncDispose]: close,
  };
}
