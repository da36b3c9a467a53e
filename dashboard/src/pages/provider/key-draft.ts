import type { ProviderKeyUpdate, ProviderKeyView, ProviderView } from '../../../../src/contract/provider.ts';
import { secretText } from '../server/draft.ts';

/** Clouds whose keys are more than one text. */
const CLOUDS = ['azure', 'bedrock', 'vertex'] as const;
export type Cloud = (typeof CLOUDS)[number];

/** A key of a provider as it is edited. */
export interface ProviderKeyDraft {
  readonly name: string;
  readonly description: string;
  /** A reference, or the mask of what is stored. */
  readonly value: string;
  readonly models: readonly string[];
  readonly blacklisted_models: readonly string[];
  readonly weight: number;
  readonly enabled: boolean;
  readonly aliases: Readonly<Record<string, string>>;
  readonly azure_key_config: unknown;
  readonly bedrock_key_config: unknown;
  readonly vertex_key_config: unknown;
}

/** The fields that show what is wrong with them. */
export const KEY_FIELDS = [
  'name',
  'description',
  'value',
  'models',
  'blacklisted_models',
  'weight',
  'aliases',
  ...CLOUDS.map((cloud) => `${cloud}_key_config` as const),
] as const;

/** The cloud that a provider speaks to, if any. */
export function cloudOf({ name, custom_provider_config: custom }: ProviderView): Cloud | undefined {
  return CLOUDS.find((cloud) => cloud === (custom?.base_provider_type ?? name));
}

/** What is stored as a draft. */
export function keyDraftOf(stored: ProviderKeyView | undefined): ProviderKeyDraft {
  return {
    name: stored?.name ?? '',
    description: stored?.description ?? '',
    value: secretText(stored?.value),
    models: stored?.models ?? ['*'],
    blacklisted_models: stored?.blacklisted_models ?? [],
    weight: stored?.weight ?? 1,
    enabled: stored?.enabled ?? true,
    aliases: stored?.aliases ?? {},
    azure_key_config: stored?.azure_key_config,
    bedrock_key_config: stored?.bedrock_key_config,
    vertex_key_config: stored?.vertex_key_config,
  };
}

/** The changed fields as the API takes them. */
export function keyBody(changes: Partial<ProviderKeyDraft>): ProviderKeyUpdate {
  return changes as ProviderKeyUpdate; // readonly lists are lists, and the gateway checks what was typed as JSON
}
