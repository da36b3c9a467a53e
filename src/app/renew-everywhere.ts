import type { RawHandler } from '../http/listen.ts';
import type { AskOthers } from '../http/nodes/ask-others.ts';
import { GatewayError } from '../lib/errors.ts';
import type { Registry } from '../mcp/registry.ts';

const PATH = '/clients/renew';
/** A server may take its time. */
const ANSWER_MS = 10_000;

/** The registry, whose reconnects and refreshes are done by every node: whoever asked for one finds its tools wherever they look. */
export function renewEverywhere(
  registry: Registry,
  askOthers: AskOthers | undefined,
  stdioHost: string | undefined,
): Registry {
  const tell = async (how: 'reconnect' | 'refresh', id: string): Promise<void> => {
    const query = new URLSearchParams({ how, id, ...(stdioHost !== undefined && { host: stdioHost }) });
    await askOthers?.(`${PATH}?${query.toString()}`, ANSWER_MS);
  };
  return {
    ...registry,
    async reconnect(id, actor) {
      await registry.reconnect(id, actor);
      await tell('reconnect', id);
    },
    async refreshTools(id, actor) {
      const count = await registry.refreshTools(id, actor);
      await tell('refresh', id);
      return count;
    },
  };
}

/** What other nodes ask for. A server that this node cannot reach is its own trouble, and shows in its state. */
export function renewForPeers(registry: Registry, stdioHost: string | undefined): Readonly<Record<string, RawHandler>> {
  /** The process of a server that runs once for several workers is new already, and each of them has moved to it. */
  const isDone = (how: string, id: string, host: string | null): boolean =>
    how === 'reconnect' && host === stdioHost && registry.find(id)?.client.connection_type === 'stdio';

  return {
    async [PATH](request, response) {
      const { searchParams } = new URL(request.url ?? '', 'http://peer');
      const [how, id] = [searchParams.get('how'), searchParams.get('id')];
      if (id === null || (how !== 'reconnect' && how !== 'refresh'))
        throw new GatewayError('invalid_request', 'how and id: what to do, with which server');
      if (!isDone(how, id, searchParams.get('host'))) await registry.renew(id, how);
      response.writeHead(204).end();
    },
  };
}
