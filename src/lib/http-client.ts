import { X509Certificate } from 'node:crypto';
import { createSecureContext, rootCertificates } from 'node:tls';
import type { buildConnector, Dispatcher } from 'undici';
import { createEgress, NO_TIMEOUTS, type Egress } from './egress.ts';
import { GatewayError, messageOf } from './errors.ts';

/** TLS towards one server. PEM texts; empty means not given. */
export interface TlsOptions {
  readonly insecureSkipVerify: boolean;
  readonly caPem: string;
  readonly clientCertPem: string;
  readonly clientKeyPem: string;
}

export interface HttpRequest {
  readonly method: 'GET' | 'POST' | 'DELETE';
  readonly url: URL;
  /** Names and values in turn: name, value, name, value. A frozen list is written once for all requests that have it. */
  readonly headers: readonly string[];
  readonly body?: string | Buffer;
}

/** Takes a response while it arrives: the head, then data. What it throws ends the exchange. */
export interface HttpSink {
  /** Hears what was asked, for what must be said of it later. */
  onRequest?(request: HttpRequest): void;
  onHead(status: number, headers: Record<string, string | string[] | undefined>): void;
  onData(chunk: Buffer): void;
}

/** One request and its response. */
export interface HttpExchange {
  /** Resolves when the response is complete. Rejects with `upstream_unreachable` when nothing was sent, else `upstream_lost`. */
  readonly done: Promise<void>;
  /** Ends the exchange; `done` rejects with the reason unless it is settled. */
  abort(reason: GatewayError): void;
  /** Lets no more data come until {@link HttpExchange.resume}; what cannot be taken yet stays with the server. */
  pause(): void;
  resume(): void;
}

/** HTTP towards one server, with its own connections and its own TLS. */
export interface HttpClient {
  send(request: HttpRequest, sink: HttpSink): HttpExchange;
  /** Ends all exchanges and connections. */
  close(): Promise<void>;
}

/** For the commands, which go where their user says: nothing but the proxies of the environment applies. */
const unguarded = (): Egress =>
  createEgress({ settings: () => ({ allow_private_servers: true, egress_allowlist: [] }) });

/**
 * The client for the origin of `url`, an address that an administrator or user gave. Requests to any other origin are refused,
 * redirects are not followed.
 */
export function createHttpClient(url: URL, tls?: TlsOptions, egress: Egress = unguarded()): HttpClient {
  const { origin } = url;
  const connect = tls === undefined ? {} : connectOptions(tls);
  const open = (): Dispatcher => egress.open({ url, policy: { kind: 'server' }, isServerHere: false }, connect);
  let rules = egress.rules();
  let dispatcher = open();

  /** Other rules mean other connections; what runs on the former ones may end there. */
  function renew(): void {
    rules = egress.rules();
    const former = dispatcher;
    dispatcher = open();
    closing.add(former);
    former.close().then(
      () => closing.delete(former),
      () => closing.delete(former),
    );
  }
  const closing = new Set<Dispatcher>();

  return {
    send(request, sink) {
      const { url, method, body = null } = request;
      const headers = request.headers as string[]; // undici's types do not say that it only reads them
      if (url.origin !== origin) throw new GatewayError('upstream_bad_reply', `${url.origin} is not ${origin}`);
      if (egress.rules() !== rules) renew();
      sink.onRequest?.(request);
      const exchange = new Exchange(origin, sink);
      dispatcher.dispatch({ origin, path: url.pathname + url.search, method, headers, body, ...NO_TIMEOUTS }, exchange);
      return exchange;
    },
    async close() {
      const reason = new Error('the connection was closed');
      await Promise.all([dispatcher, ...closing].map((each) => each.destroy(reason)));
    },
  };
}

/** Throws `invalid_request` for PEM texts that cannot be used. Empty texts are not looked at. */
export function checkTls(tls: TlsOptions): void {
  connectOptions(tls);
  // OpenSSL passes over what it cannot read between certificates, down to a file without any.
  if (!tls.insecureSkipVerify && tls.caPem !== '' && certificatesIn(tls.caPem) === 0) {
    throw new GatewayError('invalid_request', 'ca_cert_pem holds no certificate in PEM form');
  }
}

function certificatesIn(pem: string): number {
  const blocks = pem.match(/-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/g) ?? [];
  return blocks.filter((block) => new X509Certificate(block).subject !== undefined).length;
}

/** How undici is told about TLS. Throws `invalid_request` for PEM texts that cannot be used. */
export function connectOptions(tls: TlsOptions): buildConnector.BuildOptions {
  const { insecureSkipVerify, caPem, clientCertPem, clientKeyPem } = tls;
  const ca = insecureSkipVerify || caPem === '' ? undefined : caPem;
  try {
    // One context for all connections: reading 150 root certificates again for each would cost 10 ms.
    const secureContext = createSecureContext({
      ...(ca === undefined ? {} : { ca: [...rootCertificates, ca] }),
      ...(clientCertPem === '' ? {} : { cert: clientCertPem, key: clientKeyPem }),
    });
    return { secureContext, rejectUnauthorized: !insecureSkipVerify };
  } catch (error) {
    throw new GatewayError('invalid_request', `the PEM text cannot be read (${messageOf(error)})`, { cause: error });
  }
}

class Exchange implements Dispatcher.DispatchHandler, HttpExchange {
  readonly done: Promise<void>;
  readonly #sink: HttpSink;
  readonly #origin: string;
  #resolve!: () => void;
  #reject!: (error: GatewayError) => void;
  #controller: Dispatcher.DispatchController | undefined;
  #ended: GatewayError | undefined;

  constructor(origin: string, sink: HttpSink) {
    this.#origin = origin;
    this.#sink = sink;
    this.done = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
  }

  abort(reason: GatewayError): void {
    if (this.#ended !== undefined) return;
    this.#ended = reason;
    this.#reject(reason);
    this.#controller?.abort(reason);
  }

  pause(): void {
    this.#controller?.pause();
  }

  resume(): void {
    this.#controller?.resume();
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    if (this.#ended !== undefined) controller.abort(this.#ended);
  }

  onResponseStart(
    _: Dispatcher.DispatchController,
    status: number,
    headers: Record<string, string | string[] | undefined>,
  ): void {
    this.#guard(() => this.#sink.onHead(status, headers));
  }

  onResponseData(_: Dispatcher.DispatchController, chunk: Buffer): void {
    this.#guard(() => this.#sink.onData(chunk));
  }

  onResponseEnd(): void {
    this.#resolve();
  }

  onResponseError(_: Dispatcher.DispatchController, error: Error): void {
    // A refusal of the guard says all there is to say.
    if (error instanceof GatewayError) return this.#reject(error);
    const sent = this.#controller !== undefined;
    const what = sent ? 'the connection was lost' : 'cannot connect';
    const message = `${what} (${this.#origin}): ${messageOf(error)}`;
    this.#reject(new GatewayError(sent ? 'upstream_lost' : 'upstream_unreachable', message, { cause: error }));
  }

  /** A sink that throws must end its own exchange and not the connection pool. */
  #guard(action: () => void): void {
    if (this.#ended !== undefined) return;
    try {
      action();
    } catch (error) {
      this.abort(
        error instanceof GatewayError
          ? error
          : new GatewayError('upstream_bad_reply', messageOf(error), { cause: error }),
      );
    }
  }
}
