import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto';

const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/** Turns small values into opaque tokens that only this gateway (every node with the same key) can read or make. */
export interface Sealer {
  seal(value: unknown): string;
  /** The value, or undefined for a token that is not ours or was changed. */
  open(token: string): unknown;
}

/** AES-256-GCM under a key derived for one purpose, so that a token of one kind cannot pass for another (RFC 5869). */
export function createSealer(key: Buffer, purpose: string): Sealer {
  const derived = Buffer.from(hkdfSync('sha256', key, Buffer.alloc(0), `asbru:${purpose}`, 32));
  return {
    seal(value) {
      const nonce = randomBytes(NONCE_BYTES);
      const cipher = createCipheriv('aes-256-gcm', derived, nonce);
      const text = Buffer.concat([cipher.update(JSON.stringify(value), 'utf8'), cipher.final()]);
      return Buffer.concat([nonce, text, cipher.getAuthTag()]).toString('base64url');
    },
    open(token) {
      const bytes = Buffer.from(token, 'base64url');
      if (bytes.length < NONCE_BYTES + TAG_BYTES) return undefined;
      const decipher = createDecipheriv('aes-256-gcm', derived, bytes.subarray(0, NONCE_BYTES));
      decipher.setAuthTag(bytes.subarray(-TAG_BYTES));
      try {
        const text = Buffer.concat([decipher.update(bytes.subarray(NONCE_BYTES, -TAG_BYTES)), decipher.final()]);
        return JSON.parse(text.toString()) as unknown;
      } catch {
        return undefined; // a wrong tag: not ours
      }
    },
  };
}
