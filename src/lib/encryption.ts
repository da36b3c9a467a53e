import { argon2, createCipheriv, createDecipheriv, createSecretKey, hkdfSync, randomBytes } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { promisify } from 'node:util';
import { GatewayError } from './errors.ts';

/** Where a value is stored, `table:column:id`. A value that is copied to another place cannot be decrypted there. */
export type Place = `${string}:${string}:${string}`;

/** Encrypts what is secret before it is stored. */
export interface Encryption {
  encrypt(text: string, place: Place): string;
  decrypt(text: string, place: Place): string;
  /** A key for one other purpose: derived from the same secret (RFC 5869), or one of its own if it is a lasting purpose. */
  deriveKey(purpose: string): Buffer;
}

const VERSION = 'v1:';
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const CIPHER = 'aes-256-gcm';

/** What must go on as before when the encryption key is rotated: the chain of audit logs, and what clients hold of us. */
export const LASTING_PURPOSES = ['audit', 'mcp-session', 'tasks'] as const;

/** Length of an encryption key. */
export const KEY_BYTES = 32;

/** AES-256-GCM under one key; the text form is `v1:` and base64 of nonce, ciphertext and tag. */
export function createEncryption(bytes: Buffer, lasting: ReadonlyMap<string, Buffer> = new Map()): Encryption {
  // Made once: Node spends more on turning bytes into a key than on the cipher, and thousands of values are read at once.
  const key = createSecretKey(bytes);
  return {
    deriveKey: (purpose) =>
      lasting.get(purpose) ?? Buffer.from(hkdfSync('sha256', key, Buffer.alloc(0), `asbru:${purpose}`, KEY_BYTES)),

    encrypt(text, place) {
      const nonce = randomBytes(NONCE_BYTES);
      const cipher = createCipheriv(CIPHER, key, nonce, { authTagLength: TAG_BYTES }).setAAD(Buffer.from(place));
      const sealed = [nonce, cipher.update(text, 'utf8'), cipher.final(), cipher.getAuthTag()];
      return VERSION + Buffer.concat(sealed).toString('base64');
    },

    decrypt(text, place) {
      try {
        return open(text, place, key);
      } catch (cause) {
        const message = `The stored value ${place} cannot be decrypted: the key is another one (was it rotated?) or the value was altered`;
        throw new GatewayError('internal_error', message, { cause });
      }
    },
  };
}

/** True for a text that has the form of an encrypted one. */
export function isEncrypted(text: string): boolean {
  return /^v1:[\w+/]{38,}={0,2}$/.test(text);
}

function open(text: string, place: Place, key: KeyObject): string {
  if (!text.startsWith(VERSION)) throw new Error('unknown format');
  const bytes = Buffer.from(text.slice(VERSION.length), 'base64');
  if (bytes.length < NONCE_BYTES + TAG_BYTES) throw new Error('too short');
  const tagAt = bytes.length - TAG_BYTES;
  const decipher = createDecipheriv(CIPHER, key, bytes.subarray(0, NONCE_BYTES), { authTagLength: TAG_BYTES })
    .setAAD(Buffer.from(place))
    .setAuthTag(bytes.subarray(tagAt));
  return decipher.update(bytes.subarray(NONCE_BYTES, tagAt), undefined, 'utf8') + decipher.final('utf8');
}

/** Turns a passphrase into a key. Slow on purpose (some 0.2 s), and off the main thread. */
export function deriveKey(passphrase: string, salt: Buffer): Promise<Buffer> {
  return promisify(argon2)('argon2id', {
    message: passphrase,
    nonce: salt,
    parallelism: 1,
    tagLength: KEY_BYTES,
    memory: 64 * 1024, // KiB
    passes: 2,
  });
}
