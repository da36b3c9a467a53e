import { readToolFilter } from '../governance/access.ts';
import type { Caller } from '../governance/caller.ts';
import type { CallSignal } from '../lib/call-signal.ts';
import type { JsonObject, JsonRpcNotification } from '../lib/json-rpc.ts';
import type { CallSource } from '../store/ledger-rows.ts';
import type { TraceContext } from '../lib/trace-context.ts';
import type { InputRequest } from './relay/conversation.ts';
import type { CallerHeaders } from './relay/forwarded-headers.ts';
import type { Profile } from './profile.ts';
import type { RelayParams } from './relay/relay-params.ts';
import type { Era } from './revisions.ts';
import { readToolMode } from './tool-mode.ts';
import type { Audience } from './audience.ts';

/** How to reach a legacy client outside of its requests. */
export interface Between {
  notify(notification: JsonRpcNotification): void;
  /** Asks on a stream that is open for that; rejects at once when there is none. */
  ask(request: InputRequest, signal: AbortSignal): Promise<JsonObject>;
}

/** What the client of one request can do, and how to reach it while the request runs. */
export interface ClientSide {
  readonly era: Era;
  /** What it declared: with this request if it is modern, in `initialize` if it is legacy. */
  readonly capabilities: JsonObject;
  /** What it can be asked; undefined: nothing. */
  readonly profile: Profile | undefined;
  readonly clientInfo: JsonObject | undefined;
  /** The least severe log level it asked for. Without one a modern client hears nothing, a legacy one what servers like. */
  readonly logLevel: string | undefined;
  /** What marks all requests of the same legacy session. */
  readonly sessionKey: string | undefined;
  /** Sends a notification that belongs to this request. */
  readonly notify: (notification: JsonRpcNotification) => void;
  /** Asks a legacy client something, until the signal is aborted; undefined where there is no stream to ask on. */
  readonly ask: ((request: InputRequest, signal: AbortSignal) => Promise<JsonObject>) | undefined;
  /** How to reach it when the request is over; undefined without a session. */
  readonly between: Between | undefined;
}

/** One request of a client, whichever way it came. */
export interface ClientRequest {
  readonly caller: Caller;
  readonly method: string;
  readonly params: RelayParams;
  /** The HTTP headers that came with it; a server may want some of them (`allowed_extra_headers`). */
  readonly headers: CallerHeaders;
  /** Aborted when the caller gives up. */
  readonly signal: CallSignal;
  readonly side: ClientSide;
  /** Which way it came. */
  readonly source: CallSource;
  /** What it may see, and how that is told apart. */
  readonly audience: Audience;
  /** Our span of this request, for the server to join; absent where nothing is traced. */
  readonly trace?: TraceContext;
  /** The ledger entry of the run of code that makes this call; absent for a caller's own calls. */
  readonly parent?: string;
  /** Whether the tool is called through another one, so that its caller could not know which headers it wants repeated. */
  readonly isIndirect?: boolean;
}

/** The audience of a request: the caller's rights, what its headers narrow them to, and what its client can be asked. */
export function audienceOf({ key }: Caller, headers: CallerHeaders, profile: Profile | undefined): Audience {
  const { filter, mode } = readNarrowing(headers);
  return { profile, virtualKey: key?.id, filter, mode };
}

/** What the headers of a caller say about what it wants to see, and how. */
export function readNarrowing(headers: CallerHeaders): Pick<Audience, 'filter' | 'mode'> {
  return { filter: readToolFilter(headers), mode: readToolMode(headers) };
}

/** The side of callers who only want a result: REST and model loops. */
export const NO_SIDE: ClientSide = Object.freeze({
  era: 'legacy',
  capabilities: {},
  profile: undefined,
  clientInfo: undefined,
  logLevel: undefined,
  sessionKey: undefined,
  notify: () => {},
  ask: undefined,
  between: undefined,
});
