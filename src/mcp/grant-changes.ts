import type { Grant, GrantStore } from '../store/grants.ts';
import type { Grants } from './registration.ts';
import type { Upstream } from './upstream/upstream.ts';

interface Deps {
  readonly grants: Pick<GrantStore, 'list'>;
  /** By client id. */
  readonly upstreams: ReadonlyMap<string, Upstream>;
}

/** Brings what virtual keys may call to the running servers. */
export interface GrantChanges {
  /** The row of one key was written: reads its grants, and not those of all other keys. */
  reloadOf(key: string): Promise<void>;
  reloadAll(): Promise<void>;
}

export function createGrantChanges({ grants, upstreams }: Deps): GrantChanges {
  return {
    async reloadOf(key) {
      const granted = await grants.list({ virtual_key_id: key });
      const byClient = new Map(granted.map((grant) => [grant.client_id, grant.tools_to_execute]));
      for (const [id, upstream] of upstreams) upstream.grantTo(key, byClient.get(id));
    },
    async reloadAll() {
      const byClient = Map.groupBy(await grants.list(), ({ client_id }) => client_id);
      for (const [id, upstream] of upstreams) upstream.grant(byKey(byClient.get(id) ?? []));
    },
  };
}

/** The grants of one server by virtual key. */
export function byKey(grants: readonly Grant[]): Grants {
  return new Map(grants.map(({ virtual_key_id, tools_to_execute }) => [virtual_key_id, tools_to_execute]));
}
