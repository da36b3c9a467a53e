/**
 * Portkey's gateway as it is published, but for its address: it listens on loopback and says where. Its web server is held at the
 * last release seen to work: with 1.14.4, 1.18.2 and 1.19.19 of @hono/node-server every stream ends in HTTP 500. That it waits
 * 25 ms before the first event of a stream is its own doing.
 */
import { Server } from 'node:net';
import type { AddressInfo } from 'node:net';
import { endOnSignal } from './serve.ts';

type Listen = (port: number, host: string) => Server;

const listen: Listen = Server.prototype.listen;
Server.prototype.listen = function (this: Server, port?: unknown) {
  this.once('listening', () => console.log(`listening on http://127.0.0.1:${(this.address() as AddressInfo).port}`));
  return listen.call(this, Number(port), '127.0.0.1');
} as typeof Server.prototype.listen;

endOnSignal();
process.argv.push('--headless', '--port=0');
await import(new URL('../portkey/node_modules/@portkey-ai/gateway/build/start-server.js', import.meta.url).href);
