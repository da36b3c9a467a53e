import { fileURLToPath } from 'node:url';

const script = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

/** What a small server of a test starts with: `on(method, handler)` and `write(message)`. */
export const SERVER_HEAD = `
  const handlers = {};
  const on = (method, handler) => (handlers[method] = handler);
  const write = (message) => process.stdout.write(JSON.stringify({ jsonrpc: '2.0', ...message }) + '\\n');
  require('node:readline').createInterface({ input: process.stdin }).on('line', (line) => {
    const message = JSON.parse(line);
    handlers[message.method]?.(message);
  });
`;

/** The command line of the test tools as a stdio server. */
export function stdioServer(): { command: string; args: string[] } {
  return { command: process.execPath, args: [script('stdio-server.mjs')] };
}

/** The command line of the official "everything" server. */
export function everythingServer(): { command: string; args: string[] } {
  return {
    command: process.execPath,
    args: [script('../../node_modules/@modelcontextprotocol/server-everything/dist/index.js'), 'stdio'],
  };
}

/** The command line of the official file system server over one folder. */
export function filesystemServer(folder: string): { command: string; args: string[] } {
  return {
    command: process.execPath,
    args: [script('../../node_modules/@modelcontextprotocol/server-filesystem/dist/index.js'), folder],
  };
}
