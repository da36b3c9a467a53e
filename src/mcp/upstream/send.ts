import type { CallSignal } from '../../lib/call-signal.ts';
import { GatewayError } from '../../lib/errors.ts';
import type { JsonRpcNotification, Reply } from '../../lib/json-rpc.ts';
import type { Peer } from './negotiate.ts';
import type { Session } from './session.ts';

/** One request to a server, written once it is known which connection takes it. */
export interface UpstreamCall {
  readonly method: string;
  /** The tool, prompt or URI it is about, in the server's own words. */
  readonly name: string | undefined;
  readonly message: (id: number, peer: Peer) => string;
  readonly headers: Readonly<Record<string, string>> | undefined;
  /** Headers that only a modern server gets. */
  readonly mirrored: () => Readonly<Record<string, string>>;
  /** Takes what the server says of this request. */
  readonly onNotification: (notification: JsonRpcNotification) => void;
}

/** Changes concern everybody, even when a server says them on the stream of a request. */
const OF_SESSION = /\/(?:list_changed|resources\/updated)$/;

/** Sends one request on a session. */
export function send(session: Session, call: UpstreamCall, signal: CallSignal): Promise<Reply> {
  const id = session.nextId();
  const { method, name } = call;
  const onNotification = (notification: JsonRpcNotification): void => {
    if (OF_SESSION.test(notification.method)) session.onNotification(notification);
    else call.onNotification(notification);
  };
  const own = session.headers(method, name);
  const headers = own === undefined ? call.headers : { ...call.headers, ...call.mirrored(), ...own };
  return session.request({ id, method, message: call.message(id, session.peer), headers, signal, onNotification });
}

/** True for the error of a server that forgot the session, and so ran nothing. */
export function isExpired(error: unknown): boolean {
  return error instanceof GatewayError && error.code === 'upstream_session_expired';
}
