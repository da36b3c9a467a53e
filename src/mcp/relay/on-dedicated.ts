import type { CallSignal } from '../../lib/call-signal.ts';
import { GatewayError } from '../../lib/errors.ts';
import type { JsonObject, JsonRpcNotification, JsonRpcRequest, Reply } from '../../lib/json-rpc.ts';
import type { ClientRequest } from '../client-side.ts';
import { canBeAsked, type Profile } from '../profile.ts';
import type { Lease, Party } from '../upstream/dedicated.ts';
import { isExpired, send } from '../upstream/send.ts';
import { toCall, type RelayTarget } from './outgoing.ts';

const NO_PROFILE: Profile = { key: '{}', capabilities: {} };
const CALLERS_OWN = new Set(['notifications/message', 'notifications/elicitation/complete']);

/** Runs a request on a session that speaks for its caller. One that the server forgot is replaced once; nothing ran on it. */
export async function onDedicated(
  target: RelayTarget,
  request: ClientRequest,
  party: Omit<Party, 'profile'>,
  signal: CallSignal,
): Promise<Reply> {
  const { profile = NO_PROFILE } = request.side;
  const restrict = ({ onRequest, onNotification }: Pick<Party, 'onRequest' | 'onNotification'>) => ({
    // Lists and resources are watched on the shared session; this one only speaks of what its caller does.
    onNotification(notification: JsonRpcNotification): void {
      if (CALLERS_OWN.has(notification.method)) onNotification(notification);
    },
    async onRequest(question: JsonRpcRequest): Promise<JsonObject> {
      if (canBeAsked(profile, question)) return onRequest(question);
      throw new GatewayError('method_not_found', `this client does not support ${question.method} of this kind`);
    },
  });
  const between = party.between && restrict(party.between);
  const own = { ...party, ...restrict(party), profile, between, logLevel: request.side.logLevel };
  const lease = (): Promise<Lease> => target.upstream.dedicated.lease(own, signal);
  const call = { ...toCall(target, request), onNotification: party.onNotification };
  {
    using first = await lease();
    try {
      return await send(first.session, call, signal);
    } catch (error) {
      if (!isExpired(error)) throw error;
      first.discard();
    }
  }
  using second = await lease();
  return await send(second.session, call, signal);
}
