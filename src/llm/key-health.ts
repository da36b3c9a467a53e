import type { ConfiguredProvider } from '../governance/provider-directory.ts';
import type { ProviderKey } from '../store/providers.ts';

/** What became of a key when it was last used. */
export interface KeyState {
  readonly provider: string;
  readonly id: string;
  readonly name: string;
  /** False when the provider refused it. */
  readonly isUp: boolean;
}

/** Knows which keys of providers work, from the answers to requests that were made with them. */
export interface KeyHealth {
  /** A provider took a key, or refused it. */
  note(key: ProviderKey, isUp: boolean): void;
  /** A request went on with another key than this one. */
  rotated(key: ProviderKey): void;
  /** Of those keys that were used since they were changed last. */
  list(providers: readonly ConfiguredProvider[]): KeyState[];
  /** How often requests went on with another key, by provider. */
  readonly rotations: ReadonlyMap<string, number>;
}

export function createKeyHealth(): KeyHealth {
  /** By id, with the time of the change that made the key what it was when it was used. */
  const known = new Map<string, { readonly isUp: boolean; readonly updated_at: number }>();
  const rotations = new Map<string, number>();
  return {
    rotations,
    note({ id, updated_at }, isUp) {
      const last = known.get(id);
      if (last?.isUp !== isUp || last.updated_at !== updated_at) known.set(id, { isUp, updated_at });
    },
    rotated: ({ provider }) => void rotations.set(provider, (rotations.get(provider) ?? 0) + 1),
    list(providers) {
      const keys = new Map(providers.flatMap((one) => one.keys.map((key) => [key.id, key])));
      const states: KeyState[] = [];
      for (const [id, { isUp, updated_at }] of known) {
        const key = keys.get(id);
        if (key === undefined) known.delete(id);
        else if (key.updated_at === updated_at) states.push({ provider: key.provider, id, name: key.name, isUp });
      }
      return states;
    },
  };
}
