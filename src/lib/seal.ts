import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';

const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/** Turns small values into opaque tokens that only this gateway (every node with the same key) can read or make. */
export interface Sealer {
  seal(value: unknown): string;
  /** The value, or undefined for a token that is not ours or was changed. */
  open(token: string): unknown;
}

/** AES-256-GCM. Each purpose wants a key of its own, so that a token of one kind cannot pass for another. */
export function createSealer(key: Buffer): Sealer {
  return {
    seal(value) {
      const nonce = randomBytes(NONCE_BYTES);
      const cipher = createCipheriv('aes-256-gcm', key, nonce);
      const text = Buffer.concat([cipher.update(JSON.stringify(value), 'utf8'), cipher.final()]);
      return Buffer.concat([nonce, text, cipher.getAuthTag()]).toString('base64url');
    },
    open(token) {
      const bytes = Buffer.from(token, 'base64url');
      if (bytes.length < NONCE_BYTES + TAG_BYTES) return undefined;
      // Decoding overlooks foreign characters and spare bits: another spelling of a token would pass where texts are compared.
      if (bytes.toString('base64url') !== token) return undefined;
      const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(0, NONCE_BYTES));
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
