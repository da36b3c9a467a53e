// node --import loopback-only.mjs SERVER: keeps a server that knows no host option from being seen by the network.
import { Server } from 'node:net';

const { listen } = Server.prototype;

Server.prototype.listen = function listenOnLoopback(port, ...rest) {
  return /^\d+$/.test(String(port))
    ? listen.call(this, { port: Number(port), host: '127.0.0.1' }, ...rest)
    : listen.call(this, port, ...rest);
};
