import { createHmac } from 'node:crypto';
import { GatewayError } from '../../lib/errors.ts';
import type { McpClient } from '../../store/mcp-clients.ts';
import type { ClientRequest } from '../client-side.ts';
import { identityOf, labelOf } from '../personal/identity.ts';
import { sameJson } from './same-json.ts';
import type { Entry } from '../view.ts';

/** What an approval is good for, and nothing else. */
export interface Bound {
  /** Digest of caller, account, server, tool and arguments. */
  readonly binding: string;
  readonly argumentsDigest: string;
  /** The arguments as the caller wrote them. */
  readonly argumentsJson: string;
}

/** Members of a request that the digest has already, or that belong to a single turn of a call. */
const SAID_OTHERWISE = new Set(['name', 'arguments', 'requestState', 'inputResponses']);
/** Nobody looks through more before saying yes. */
const MAX_ARGUMENTS = 256 * 1024;

/** Makes digests with a key of this purpose: without it, short arguments could be guessed from theirs. */
export function createBind(key: Buffer): (request: ClientRequest, tool: Entry) => Bound {
  const digest = (value: unknown): string =>
    createHmac('sha256', key).update(JSON.stringify(value)).digest('base64url');
  return (request, { upstream: { client }, own }) => {
    const argumentsJson = request.params.members.get('arguments') ?? '{}';
    if (argumentsJson.length > MAX_ARGUMENTS) {
      const message = `params.arguments: of a tool that wants approval they must be at most ${MAX_ARGUMENTS} characters`;
      throw new GatewayError('payload_too_large', message);
    }
    const argumentsDigest = digest(['arguments', sameJson(argumentsJson)]);
    // What else the request says goes to the server as well.
    const others = [...request.params.members].filter(([key]) => !SAID_OTHERWISE.has(key));
    const rest = others.map(([key, text]) => [key, sameJson(text)]).toSorted(([a = ''], [b = '']) => (a < b ? -1 : 1));
    const { mode, identity } = identityOf(request) ?? {};
    const who = [request.caller.principal, mode ?? null, identity ?? null, labelOf(request)];
    return {
      binding: digest(['call', who, client.client_id, placeOf(client), own, argumentsDigest, rest]),
      argumentsDigest,
      argumentsJson,
    };
  };
}

/** Where the call would go: a yes to one server is not a yes to what was put in its place. */
function placeOf({ connection_type, connection_string, stdio_config }: McpClient): unknown {
  return [connection_type, connection_string.resolve(), stdio_config?.command ?? null, stdio_config?.args ?? null];
}
