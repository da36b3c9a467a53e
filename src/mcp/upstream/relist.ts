import type { JsonRpcError, Reply } from '../../lib/json-rpc.ts';
import type { Upstream } from './upstream.ts';

const HEADER_MISMATCH = -32020;

/**
 * Makes a function that lists what a server offers anew when a modern server says with its reply that the headers of the call
 * were not what it expects, which is how it shows that a tool has other annotations by now (SEP-2243, Client Behavior). The
 * call did not run. Tells whether the server was listed; calls that learn it at the same time share one listing.
 */
export function createRelist(): (upstream: Upstream, reply: Reply) => Promise<boolean> {
  const running = new Map<Upstream, Promise<boolean>>();
  return async (upstream, reply) => {
    if (reply.kind === 'result' || upstream.peer?.era !== 'modern' || !isMismatch(reply)) return false;
    const listing =
      running.get(upstream) ??
      upstream.shared.refresh().then(
        () => true,
        () => false, // the caller is told what the server said
      );
    running.set(upstream, listing);
    return listing.finally(() => running.delete(upstream));
  };
}

function isMismatch({ bytes }: Reply): boolean {
  if (!bytes.includes(String(HEADER_MISMATCH))) return false;
  return (JSON.parse(bytes.toString()) as JsonRpcError).code === HEADER_MISMATCH;
}
