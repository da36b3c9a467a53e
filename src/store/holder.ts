/** On whose behalf a server is called: a person, a virtual key, or whoever knows the id of a session. */
export type IdentityMode = 'user' | 'vk' | 'session';

/** Whose a credential is: an identity, and which of its accounts. */
export interface Holder {
  readonly mode: IdentityMode;
  /** User id, virtual key id, or SHA-256 in hex of the session id, which opens what it names. */
  readonly identity: string;
  /** How the identity is shown; a session id masked. */
  readonly identity_name: string;
  /** Tells two accounts of one identity on one server apart; empty for the first. */
  readonly label: string;
}
