import { createCipheriv, createDecipheriv, createHmac, createSecretKey, randomBytes } from 'node:crypto';

const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/** Turns small values into opaque tokens that only this gateway (every node with the same key) can read or make. */
export interface Sealer {
  seal(value: unknown): string;
  /** The value, or undefined for a token that is not ours or was changed. */
  open(token: string): unknown;
}

/** AES-256-GCM; with `isDeterministic` the same value gives the same token. Each purpose wants a key of its own, so that a token of one kind cannot pass for another. */
export function createSealer(secret: Buffer, { isDeterministic = false } = {}): Sealer {
  // Once, as in encryption.ts.
  const key = createSecretKey(secret);
  /** The nonce of a deterministic token is a keyed digest of its content: it repeats only with the content itself. */
  const nonceFor = (text: string): Buffer =>
    isDeterministic
      ? createHmac('sha256', key).update(text).digest().subarray(0, NONCE_BYTES)
      : randomBytes(NONCE_BYTES);

  return {
    seal(value) {
      const plain = JSON.stringify(value);
      const nonce = nonceFor(plain);
      const cipher = createCipheriv('aes-256-gcm', key, nonce);
      const text = Buffer.concat([cipher.update(plain, 'utf8'), cipher.final()]);
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
