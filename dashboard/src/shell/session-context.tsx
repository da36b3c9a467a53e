import { createContext, use } from 'react';
import type { Person } from '../data/session.ts';

/** Who is signed in and what they may do. */
export interface Session {
  readonly person: Person;
  /** May change things; without it a page hides or disables its writes. */
  readonly canWrite: boolean;
  /** May say who may do what. */
  readonly isAdmin: boolean;
}

const Context = createContext<Session | undefined>(undefined);

/** Gives every page the session. */
export const SessionProvider = Context.Provider;

/** The session; there is one on every page but those to sign in. */
export function useSession(): Session {
  const session = use(Context);
  if (session === undefined) throw new Error('no session here');
  return session;
}

/** The session of a person. */
export function sessionOf(person: Person): Session {
  return { person, canWrite: person.scopes.includes('write'), isAdmin: person.scopes.includes('admin') };
}
