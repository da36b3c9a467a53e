import { createHash, randomUUID } from 'node:crypto';
import { GatewayError } from '../../lib/errors.ts';
import type { Sealer } from '../../lib/seal.ts';
import type { RelayParams } from './relay-params.ts';

/** To whom and to which request a `requestState` belongs: nobody else and nothing else may bring it back. */
export interface Binding {
  readonly principal: string;
  readonly method: string;
  readonly params: RelayParams;
}

/** A run of code which waits for an approval, and the approvals that the user was asked for on its behalf. */
export interface AskingRun {
  readonly name: string;
  readonly asked: readonly string[];
}

/** What the gateway keeps in a `requestState`: a parked request of ours, the approval that it asked for, or the state of a modern server. */
export type Carried =
  | { readonly parked: string }
  | { readonly approval: string; readonly run?: AskingRun }
  | { readonly client_id: string; readonly state: string | undefined };

interface Sealed {
  readonly carried: Carried;
  /** The process that gave it out, which knows whether it was used. */
  readonly node?: string | undefined;
  readonly owner: string;
  readonly expires: number;
  readonly nonce: string;
}

const MAX_USED = 100_000;

/** `requestState` values: sealed, bound to caller and request, short-lived, good for one use (2026-07-28, security of MRTR). */
export interface InputHandles {
  seal(carried: Carried, binding: Binding): string;
  /** Throws `invalid_request` for a value that is not ours, not this caller's, of another request, too old, or used before. */
  open(requestState: string, binding: Binding): Carried;
  /** The name of the node that gave a value out, where there may be several. */
  homeOf(requestState: string): string | undefined;
}

interface HandleOptions {
  /** How long a user may take to answer. */
  readonly answerMs: number;
  /** The name of this process, if there may be others. */
  readonly node?: string | undefined;
}

export function createInputHandles(sealer: Sealer, { answerMs, node }: HandleOptions): InputHandles {
  const used = new Map<string, number>();

  function use(nonce: string, expires: number): void {
    if (used.has(nonce)) throw refuse('was used before');
    used.set(nonce, expires);
    // Entries are in order of use; those at the front run out first, give or take.
    for (const [key, until] of used) {
      if (until > Date.now() && used.size <= MAX_USED) break;
      used.delete(key);
    }
  }

  return {
    seal: (carried, binding) =>
      sealer.seal({
        carried,
        node,
        owner: ownerOf(binding),
        expires: Date.now() + answerMs,
        nonce: randomUUID(),
      } satisfies Sealed),
    open(requestState, binding) {
      const sealed = sealer.open(requestState) as Sealed | undefined;
      if (sealed === undefined || sealed.owner !== ownerOf(binding)) throw refuse('does not belong to this request');
      if (sealed.expires <= Date.now()) throw refuse('has expired; send the request anew');
      use(sealed.nonce, sealed.expires);
      return sealed.carried;
    },
    homeOf: (requestState) => (sealer.open(requestState) as Sealed | undefined)?.node,
  };
}

function refuse(why: string): GatewayError {
  return new GatewayError('invalid_request', `requestState: ${why}`);
}

/** A digest of caller, method and params, without the members that the answers come in. */
function ownerOf({ principal, method, params }: Binding): string {
  const own = [...params.members]
    .filter(([key]) => key !== 'requestState' && key !== 'inputResponses')
    .toSorted(([a], [b]) => (a < b ? -1 : 1));
  const text = own.map(([key, json]) => [key, JSON.stringify(JSON.parse(json))]);
  return createHash('sha256')
    .update(JSON.stringify([principal, method, text]))
    .digest('base64url');
}
