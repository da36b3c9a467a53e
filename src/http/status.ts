import { z } from 'zod';
import { GatewayError } from '../lib/errors.ts';
import type { Readiness } from './readiness.ts';
import { route } from './route.ts';
import type { Route } from './route.ts';

interface Deps {
  /** Asks the database for a sign of life; rejects when there is none. */
  readonly ping: () => Promise<unknown>;
  readonly readiness: Pick<Readiness, 'check'>;
  readonly version: string;
}

const Health = z.object({ status: z.literal('ok'), components: z.object({ db_pings: z.literal('ok') }) });
const Live = z.object({ status: z.literal('live') });
const Ready = z.object({
  status: z.literal('ready'),
  database: z
    .enum(['ok', 'unreachable'])
    .meta({ description: 'unreachable: calls go on with what was read before; nothing can be changed.' }),
});
const PING_TIMEOUT = 10_000;

/** What a load balancer and a curious user ask first. */
export function statusRoutes({ ping, readiness, version }: Deps): readonly Route[] {
  return [
    route({
      method: 'get',
      path: '/health',
      summary: 'Get the health',
      scope: 'public',
      response: Health,
      async handle() {
        await checkDatabase(ping);
        return { status: 'ok' as const, components: { db_pings: 'ok' as const } };
      },
    }),
    route({
      method: 'get',
      path: '/health/live',
      summary: 'Say that the process answers',
      scope: 'public',
      response: Live,
      handle: () => ({ status: 'live' as const }),
    }),
    route({
      method: 'get',
      path: '/health/ready',
      summary: 'Say whether to send requests here',
      description: '503 while the gateway starts, and from the moment on at which it is told to end.',
      scope: 'public',
      response: Ready,
      handle: async () => ({ status: 'ready' as const, database: await readiness.check() }),
    }),
    route({
      method: 'get',
      path: '/api/version',
      summary: 'Get the version',
      scope: 'public',
      response: z.string(),
      handle: () => version,
    }),
  ];
}

async function checkDatabase(ping: () => Promise<unknown>): Promise<void> {
  const timeout = Promise.withResolvers<never>();
  const timer = setTimeout(() => timeout.reject(new Error(`no answer within ${PING_TIMEOUT / 1000} s`)), PING_TIMEOUT);
  try {
    await Promise.race([ping(), timeout.promise]);
  } catch (error) {
    // The route is public: the reason stays in the cause, for the log alone.
    const details = { components: { db_pings: 'failed' } };
    throw new GatewayError('database_unavailable', 'the database does not answer', { cause: error, details });
  } finally {
    clearTimeout(timer);
  }
}
