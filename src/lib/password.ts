import { argon2, randomBytes, timingSafeEqual } from 'node:crypto';
import { promisify } from 'node:util';
import { GatewayError } from './errors.ts';

/** Keeps passwords as Argon2id, off the main thread. */
export interface Passwords {
  /** The text to store, with its salt and its cost. */
  hash(password: string): Promise<string>;
  /** Takes the same time when there is nothing to compare with, so that nobody learns which accounts exist. */
  verify(password: string, stored: string | undefined): Promise<boolean>;
}

/** OWASP's least: 19 MiB, two passes. Some 50 ms. */
const COST = { memory: 19 * 1024, passes: 2, parallelism: 1 };
const HASH_BYTES = 32;
const SALT_BYTES = 16;
/** Threads of the pool that files and DNS also need; more at once would let a flood of sign-ins stop everything else. */
const AT_ONCE = 2;
const MAX_WAITING = 64;

/** A limit on the work is part of it: each hash takes a thread and 19 MiB. */
export function createPasswords(): Passwords {
  const inTurn = createTurns(AT_ONCE, MAX_WAITING);
  /** Of no password at all. */
  const nothing = { ...COST, salt: randomBytes(SALT_BYTES), hash: randomBytes(HASH_BYTES) };
  return {
    async hash(password) {
      const salt = randomBytes(SALT_BYTES);
      return write({ ...COST, salt, hash: await inTurn(() => derive(password, { ...COST, salt })) });
    },
    async verify(password, stored) {
      const known = stored === undefined ? nothing : read(stored);
      const given = await inTurn(() => derive(password, known));
      return timingSafeEqual(given, known.hash) && stored !== undefined;
    },
  };
}

interface Parameters {
  readonly memory: number;
  readonly passes: number;
  readonly parallelism: number;
  readonly salt: Buffer;
}
type Hashed = Parameters & { readonly hash: Buffer };

function derive(password: string, { memory, passes, parallelism, salt }: Parameters): Promise<Buffer> {
  // The same characters may be typed as different code points on different keyboards (RFC 8265).
  const message = password.normalize('NFC');
  return promisify(argon2)('argon2id', { message, nonce: salt, parallelism, tagLength: HASH_BYTES, memory, passes });
}

/** The form in which Argon2 hashes travel between programs. */
function write({ memory, passes, parallelism, salt, hash }: Hashed): string {
  const text = (bytes: Buffer) => bytes.toString('base64').replaceAll('=', '');
  return `$argon2id$v=19$m=${memory},t=${passes},p=${parallelism}$${text(salt)}$${text(hash)}`;
}

function read(stored: string): Hashed {
  const [, memory, passes, parallelism, salt = '', hash = ''] =
    /^\$argon2id\$v=19\$m=(\d+),t=(\d+),p=(\d+)\$([\w+/]+)\$([\w+/]+)$/.exec(stored) ?? [];
  const bytes = { salt: Buffer.from(salt, 'base64'), hash: Buffer.from(hash, 'base64') };
  if (bytes.hash.length !== HASH_BYTES) throw new GatewayError('internal_error', 'a stored password cannot be read');
  return { memory: Number(memory), passes: Number(passes), parallelism: Number(parallelism), ...bytes };
}

/** Runs so many at once, lets so many wait, and refuses the rest. */
function createTurns(atOnce: number, maxWaiting: number) {
  let running = 0;
  const waiting: (() => void)[] = [];
  return async <T>(work: () => Promise<T>): Promise<T> => {
    if (running >= atOnce) {
      if (waiting.length >= maxWaiting) {
        throw new GatewayError('too_many_attempts', 'too many people sign in at once', { details: { retry_after: 1 } });
      }
      await new Promise<void>((resolve) => waiting.push(resolve));
    } else running += 1;
    try {
      return await work();
    } finally {
      // The turn goes to the next without being given back, so that nobody can slip in between.
      const next = waiting.shift();
      if (next === undefined) running -= 1;
      else next();
    }
  };
}
