import { inspect } from 'node:util';
import { readSecretFile } from './secret-file.ts';

/** How a secret value may arrive: a literal, a reference `env.NAME` or `file.PATH`, or the object of either generation of clients. */
export type SecretInput =
  | string
  | {
      value?: string | undefined;
      env_var?: string | undefined;
      from_env?: boolean | undefined;
      secret_ref?: string | undefined;
      from_secret?: boolean | undefined;
    };

/** How a secret value is shown: always the object, the value masked, the reference readable. */
export interface SecretView {
  value: string;
  env_var: string;
  from_env: boolean;
  secret_ref?: string;
  from_secret?: boolean;
}

const REFERENCE = /^(env|file)\.(.+)$/s;
/** What is shown of a file: nothing, not even its ends. */
const FILE_MASK = '*'.repeat(8);
const MASK = /^(?:\*{1,8}|.{4}\*{24}.{4}|<redacted>|\[redacted\])$/is;

/**
 * A value that may be secret: a URL, a header, a PEM file. It prints as a mask wherever it ends up by accident (JSON, logs,
 * errors); only {@link Secret.resolve} gives the text.
 */
export class Secret {
  readonly #text: string;
  /** `env.NAME` or `file.PATH` when the value is read from there at each use, else an empty string. */
  readonly reference: string;

  private constructor(text: string, reference: string) {
    this.#text = text;
    this.reference = reference;
  }

  static readonly empty = new Secret('', '');

  /**
   * A value as it is, whatever it looks like. For all that does not come from an administrator: to read a reference for anybody
   * else would hand out the environment and the files of the gateway.
   */
  static literal(text: string): Secret {
    return new Secret(text, '');
  }

  /** True for a text that {@link Secret.parse} takes for a reference. */
  static isReference(text: string): boolean {
    return REFERENCE.test(text);
  }

  /** Reads what an administrator sent. A string that starts with `env.` or `file.` is a reference, everything else a literal. */
  static parse(input: SecretInput): Secret {
    if (typeof input === 'string') return REFERENCE.test(input) ? new Secret('', input) : new Secret(input, '');
    const reference = input.secret_ref || input.env_var || '';
    if (reference !== '') return new Secret('', REFERENCE.test(reference) ? reference : `env.${reference}`);
    return Secret.parse(input.value ?? '');
  }

  /** The text itself; empty when a reference leads to nothing. */
  resolve(): string {
    const [, kind, name = ''] = REFERENCE.exec(this.reference) ?? [];
    if (kind === undefined) return this.#text;
    return kind === 'file' ? readSecretFile(name).text : (process.env[name] ?? '');
  }

  /** True when there is something to use or to look up. */
  get isSet(): boolean {
    return this.reference !== '' || this.#text !== '';
  }

  /** True when the value is a reference that leads to nothing; {@link Secret.problem} says why. */
  get isDangling(): boolean {
    return this.reference !== '' && this.resolve() === '';
  }

  /** Why a reference leads to nothing, such as "env.TOKEN is not set"; undefined while there is a value. */
  get problem(): string | undefined {
    if (!this.isDangling) return undefined;
    const [, kind, name = ''] = REFERENCE.exec(this.reference) ?? [];
    return kind === 'file' ? `${this.reference}: ${readSecretFile(name).problem}` : `${this.reference} is not set`;
  }

  equals(other: Secret): boolean {
    return this.reference === other.reference && this.#text === other.#text;
  }

  /** What read APIs show. */
  view(): SecretView {
    const { reference } = this;
    const fromEnv = reference.startsWith('env.');
    const view: SecretView = { value: this.toString(), env_var: fromEnv ? reference : '', from_env: fromEnv };
    return reference === '' ? view : { ...view, secret_ref: reference, from_secret: true };
  }

  toJSON(): SecretView {
    return this.view();
  }

  toString(): string {
    const text = this.resolve();
    return this.reference.startsWith('file.') && text !== '' ? FILE_MASK : mask(text);
  }

  [inspect.custom](): string {
    return `Secret(${this.reference || mask(this.#text)})`;
  }
}

/** Hides a text: up to 8 characters become as many stars, more become the first 4, 24 stars and the last 4. */
export function mask(text: string): string {
  return text.length <= 8 ? '*'.repeat(text.length) : `${text.slice(0, 4)}${'*'.repeat(24)}${text.slice(-4)}`;
}

/** True for a text that a client can only have got from {@link mask}, or one of the two agreed placeholder words. */
export function looksMasked(text: string): boolean {
  return MASK.test(text);
}

/**
 * Reads what a caller sent for a value that may already be stored: a mask sent back keeps the stored secret (decision D6).
 * Gives `undefined` for a mask with nothing stored behind it, which the caller must refuse.
 */
export function updateSecret(input: SecretInput, stored: Secret | undefined): Secret | undefined {
  const sent = Secret.parse(input);
  if (sent.reference !== '' || !looksMasked(sent.resolve())) return sent;
  return stored?.isSet === true ? stored : undefined;
}
