import type { ToolFilter } from '../governance/access.ts';
import type { Profile } from './profile.ts';
import type { ToolMode } from './tool-mode.ts';

/** For whom a view is. */
export interface Audience {
  /** What the client can be asked; undefined: nothing. */
  readonly profile: Profile | undefined;
  /** The virtual key that the caller came with; undefined: unrestricted. */
  readonly virtualKey: string | undefined;
  /** What the caller asks to be shown no more than. */
  readonly filter: ToolFilter | undefined;
  /** How it wants its tools listed; undefined: as each server is set. */
  readonly mode?: ToolMode | undefined;
}

/** Operators, and clients who can be asked nothing. */
export const EVERYTHING: Audience = Object.freeze({ profile: undefined, virtualKey: undefined, filter: undefined });
