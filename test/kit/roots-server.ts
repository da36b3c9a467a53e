import { Server } from '@modelcontextprotocol/sdk/server/index.js';
import { InitializedNotificationSchema, RootsListChangedNotificationSchema } from '@modelcontextprotocol/sdk/types.js';

/**
 * A legacy SDK server that asks for the roots when its session begins and whenever they change, as the file system server does:
 * outside of any request. Its tool `roots` tells what it knows.
 */
export function createRootsServer(): Server {
  const server = new Server({ name: 'roots', version: '1.0.0' }, { capabilities: { tools: {} } });
  let known = 'nothing yet';
  const learn = async (): Promise<void> => {
    if (server.getClientCapabilities()?.roots === undefined) return;
    known = await server.listRoots().then(
      ({ roots }) => roots.map(({ uri }) => uri).join(' '),
      (error: unknown) => `refused: ${String(error)}`,
    );
  };
  server.setNotificationHandler(InitializedNotificationSchema, learn);
  server.setNotificationHandler(RootsListChangedNotificationSchema, learn);
  server.fallbackRequestHandler = ({ method }) =>
    Promise.resolve(
      method === 'tools/list'
        ? { tools: [{ name: 'roots', inputSchema: { type: 'object' } }] }
        : { content: [{ type: 'text', text: known }] },
    );
  return server;
}
