import type { Adapter, AdapterFactory, AdapterPayload } from 'oidc-provider';
import { hashModelId, type FoundModel, type OAuthModelStore } from '../../store/oauth-models.ts';

interface Deps {
  readonly models: OAuthModelStore;
  /** Ends a grant and all that came of it. */
  readonly endGrant: (grantId: string) => Promise<void>;
  /** What to throw at who uses something for the second time. */
  readonly usedUp: () => Error;
}

const DAY_MS = 86_400_000;
/** A client that registers and never signs in is forgotten after this; one that does is remembered as long as its grant. */
const UNUSED_CLIENT_MS = 7 * DAY_MS;
/** A grant begins when the user consents, and is prolonged when its code is redeemed. Codes live 15 minutes at most. */
const UNREDEEMED_GRANT_MS = 20 * 60_000;

/** How oidc-provider stores what it must remember. The ids it asks for are hashed, what they lead to is encrypted. */
export function createModelAdapter({ models, endGrant, usedUp }: Deps): AdapterFactory {
  return (kind): Adapter => ({
    async upsert(id, payload, expiresIn) {
      const { grantId, uid } = payload;
      const expiresAt = Date.now() + lifetimeMs(kind, expiresIn);
      await models.save({ kind, id, payload: { ...payload }, expiresAt, grantId, uid });
    },
    find: async (id) => toPayload(await models.find(kind, id)),
    findByUid: async (uid) => toPayload(await models.findByUid(kind, uid)),
    findByUserCode: () => Promise.resolve(undefined), // of the device flow, which is off
    async consume(id) {
      if (await models.consume(kind, id)) return;
      // Two came at the same time, and the library saw neither of them consumed: the second is a replay all the same.
      const grantId = (await models.find(kind, id))?.payload.grantId;
      if (typeof grantId === 'string') await endGrant(grantId);
      throw usedUp();
    },
    destroy: (id) => (kind === 'Grant' ? endGrant(id) : models.remove(kind, id)),
    revokeByGrantId: (grantId) => models.removeByGrant(hashModelId(grantId), kind),
  });
}

function lifetimeMs(kind: string, expiresIn: number | undefined): number {
  if (kind === 'Grant') return UNREDEEMED_GRANT_MS;
  return expiresIn === undefined ? UNUSED_CLIENT_MS : expiresIn * 1000;
}

function toPayload(found: FoundModel | undefined): AdapterPayload | undefined {
  if (found === undefined) return undefined;
  const { payload, consumedAt } = found;
  return consumedAt === undefined ? payload : { ...payload, consumed: Math.floor(consumedAt / 1000) };
}
