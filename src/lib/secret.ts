import { inspect } from 'node:util';

/** How a secret value may arrive: a literal, a reference `env.NAME`, or the object of either generation of clients. */
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

const REFERENCE = /^env\.(.+)$/s;
const MASK = /^(?:\*{1,8}|.{4}\*{24}.{4}|<redacted>|\[redacted\])$/is;

/**
 * A value that may be secret: a URL, a header, a PEM file. It prints as a mask wherever it ends up by accident (JSON, logs,
 * errors); only {@link Secret.resolve} gives the text.
 */
export class Secret {
  readonly #text: string;
  /** `env.NAME` when the value is read from the environment at each use, else an empty string. */
  readonly reference: string;

  private constructor(text: string, reference: string) {
    this.#text = text;
    this.reference = reference;
  }

  static readonly empty = new Secret('', '');

  /** The text itself, whatever it looks like: what a stranger sent must never name a variable of ours. */
  static literal(text: string): Secret {
    return new Secret(text, '');
  }

  /** Reads what a caller sent. A string that starts with `env.` is a reference, everything else a literal. */
  static parse(input: SecretInput): Secret {
    if (typeof input === 'string') return REFERENCE.test(input) ? new Secret('', input) : new Secret(input, '');
    const reference = input.secret_ref || input.env_var || '';
    if (reference !== '') return new Secret('', REFERENCE.test(reference) ? reference : `env.${reference}`);
    return Secret.parse(input.value ?? '');
  }

  /** The text itself. An unset environment variable gives an empty string. */
  resolve(): string {
    const name = REFERENCE.exec(this.reference)?.[1];
    return name === undefined ? this.#text : (process.env[name] ?? '');
  }

  /** True when there is something to use or to look up. */
  get isSet(): boolean {
    return this.reference !== '' || this.#text !== '';
  }

  /** True when the value is a reference whose variable does not exist. */
  get isDangling(): boolean {
    return this.reference !== '' && this.resolve() === '';
  }

  equals(other: Secret): boolean {
    return this.reference === other.reference && this.#text === other.#text;
  }

  /** What read APIs show. */
  view(): SecretView {
    const fromEnv = this.reference !== '';
    const view: SecretView = { value: mask(this.resolve()), env_var: this.reference, from_env: fromEnv };
    return fromEnv ? { ...view, secret_ref: this.reference, from_secret: true } : view;
  }

  toJSON(): SecretView {
    return this.view();
  }

  toString(): string {
    return mask(this.resolve());
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
