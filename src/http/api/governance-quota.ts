import { QuotaView } from '../../contract/governance.ts';
import { GatewayError } from '../../lib/errors.ts';
import type { RequestHeaders } from '../identify.ts';
import { route, type Route } from '../route.ts';

interface Deps {
  readonly quota: (keyId: string) => Promise<QuotaView>;
  readonly identifyKey: (headers: RequestHeaders) => string | Promise<string>;
}

/** What a virtual key may read of itself. The key is the credential here, and opens nothing else of the management API. */
export function quotaRoute({ quota, identifyKey }: Deps): Route {
  return route({
    method: 'get',
    path: '/api/governance/virtual-keys/quota',
    summary: 'Get the quota of a virtual key',
    description: 'Opened by the virtual key itself, in any header that takes one on /mcp. A refusal is `{error}`.',
    scope: 'public',
    response: QuotaView,
    async handle({ request }) {
      try {
        return await quota(await identifyKey(Object.fromEntries(request.headers)));
      } catch (error) {
        // A key that was removed in between is as unknown as one that never was.
        if (!(error instanceof GatewayError) || (error.status !== 401 && error.code !== 'not_found')) throw error;
        const message = error.status === 401 ? error.message : 'the virtual key is unknown';
        const headers = { 'content-type': 'application/json', 'cache-control': 'no-store' };
        return new Response(JSON.stringify({ error: message }), { status: 401, headers });
      }
    },
  });
}
