import type { JsonRpcNotification } from '../../lib/json-rpc.ts';
import type { ClientRequest, ClientSide } from '../client-side.ts';
import { isSevereEnough } from '../log-levels.ts';
import { META, MODERN_VERSION } from '../revisions.ts';
import type { Peer } from '../upstream/negotiate.ts';
import type { ParamHeader } from '../upstream/param-headers.ts';
import type { Upstream } from '../upstream/upstream.ts';
import type { UpstreamCall } from '../upstream/send.ts';
import { mirrorParams } from './mirror-params.ts';
import { metaMembers, writeRelayed } from './relay-params.ts';
import { outgoingHeaders, tracedParams } from './trace.ts';

/** Where a request goes and what it is called there. */
export interface RelayTarget {
  readonly upstream: Upstream;
  /** The tool, prompt or URI it is about, in the server's own words. */
  readonly name: string | undefined;
  /** JSON texts that take the place of the caller's params. */
  readonly replace: Readonly<Record<string, string>>;
  /** What the caller calls it, for messages. */
  readonly label: string;
  /** The arguments that a modern server gets in headers too. */
  readonly paramHeaders?: readonly ParamHeader[];
}

/** The request as it goes to a server of either era; `replace` puts other JSON texts in the place of params. */
export function toCall(target: RelayTarget, request: ClientRequest, replace: Replacements = NOTHING): UpstreamCall {
  const { method, side } = request;
  const params = tracedParams(request);
  return {
    method,
    name: target.name,
    message: (id, peer) =>
      writeRelayed(id, method, params, merged(target.replace, replace, foreign(peer, side)), envelope(peer, side)),
    headers: outgoingHeaders(target.upstream.client, request),
    mirrored: () => mirrorParams(target.paramHeaders ?? [], request),
    onNotification: (notification) => hear(notification, side),
  };
}

type Replacements = Readonly<Record<string, string | undefined>>;
const NOTHING: Replacements = Object.freeze({});

/** Most requests have nothing but the target's own. */
function merged(target: Replacements, more: Replacements, foreign: Replacements): Replacements {
  return more === NOTHING && foreign === NOTHING ? target : { ...target, ...more, ...foreign };
}

/** Params that only one era knows are not sent to a server of the other. */
function foreign({ era }: Peer, side: ClientSide): Replacements {
  if (era === side.era) return NOTHING;
  return era === 'modern'
    ? { task: undefined }
    : { task: undefined, requestState: undefined, inputResponses: undefined };
}

/** Hands on what a server says of a request, but for log lines that the client did not ask for. */
export function hear(notification: JsonRpcNotification, side: ClientSide): void {
  const least = leastLevel(side);
  const isWanted =
    notification.method !== 'notifications/message' ||
    (least !== undefined && isSevereEnough(notification.params?.level, least));
  if (isWanted) side.notify(notification);
}

/** Up to 2025-11-25 a server logs what it likes unless it is told a level; later it must be asked. */
function leastLevel({ era, logLevel }: ClientSide): string | undefined {
  return logLevel ?? (era === 'legacy' ? 'debug' : undefined);
}

/** What a modern server must be told of the client, in the client's own words. */
function envelope({ era }: Peer, side: ClientSide): string {
  if (era === 'legacy') return '';
  const { capabilities, clientInfo } = side;
  const logLevel = leastLevel(side);
  return metaMembers({
    [META.protocolVersion]: MODERN_VERSION,
    [META.clientCapabilities]: capabilities,
    ...(clientInfo !== undefined && { [META.clientInfo]: clientInfo }),
    ...(logLevel !== undefined && { [META.logLevel]: logLevel }),
  });
}
