import type { Encryption } from '../lib/encryption.ts';
import { Secret } from '../lib/secret.ts';

/** Writes and reads the secrets of one row, one by one or by name. */
export interface SecretColumns {
  readonly seal: (secret: Secret, column: string) => string;
  readonly open: (text: string, column: string) => Secret;
  readonly sealAll: (secrets: Readonly<Record<string, Secret>>, column: string) => Record<string, string>;
  readonly openAll: (texts: Readonly<Record<string, string>>, column: string) => Record<string, Secret>;
}

/**
 * How secrets are kept in columns: a reference `env.NAME` as it is, nothing as nothing, a literal always encrypted. A
 * literal can never look like a reference, so what is read back is what was written.
 */
export function secretColumns(encryption: Encryption, table: string, id: string): SecretColumns {
  const seal = (secret: Secret, column: string): string => {
    const text = secret.reference || secret.resolve();
    return secret.reference !== '' || text === '' ? text : encryption.encrypt(text, `${table}:${column}:${id}`);
  };
  const open = (text: string, column: string): Secret => {
    const isPlain = text === '' || /^env\../s.test(text);
    return isPlain ? Secret.parse(text) : Secret.literal(encryption.decrypt(text, `${table}:${column}:${id}`));
  };
  const mapValues = <A, B>(record: Readonly<Record<string, A>>, map: (value: A, name: string) => B) =>
    Object.fromEntries(Object.entries(record).map(([name, value]) => [name, map(value, name)]));
  return {
    seal,
    open,
    sealAll: (secrets, column) => mapValues(secrets, (secret, name) => seal(secret, `${column}.${name}`)),
    openAll: (texts, column) => mapValues(texts, (text, name) => open(text, `${column}.${name}`)),
  };
}
