import { GatewayError } from '../../lib/errors.ts';

/** What a server answered instead of doing what it was asked: nothing ran. */
export interface Refusal {
  readonly status: 401 | 403;
  /** The `WWW-Authenticate` header, if there was one. */
  readonly challenge: string | undefined;
}

/** A credential that may change while a connection lives: asked for with every HTTP request, told when it is refused. */
export interface Auth {
  /** Headers of the next request, names in lower case. The same object as before while nothing has changed. */
  headers(): Readonly<Record<string, string>> | Promise<Readonly<Record<string, string>>>;
  /**
   * The server refused a request that carried `sent`. Renews the credential if it can; true when the request is to be sent once
   * more. Throws what the caller is to be told otherwise. `isSecond`: it was sent once more and refused again, so that nothing but
   * a new credential can help.
   */
  refused(refusal: Refusal, sent: Readonly<Record<string, string>>, isSecond?: boolean): Promise<boolean>;
}

/** The credential of one connection: what it is now, and how a request is sent with it. */
export interface Authorization {
  /** As of the last request. */
  readonly headers: Readonly<Record<string, string>>;
  /** Sends with the credential as it is now and, if the server refuses that and it can be renewed, once more. */
  run<T>(send: () => Promise<T>): Promise<T>;
}

/** Holds the credential of a connection. `onChange` is called before a request that goes out with other headers than the last. */
export function createAuthorization(auth: Auth, onChange: () => void): Authorization {
  let headers: Readonly<Record<string, string>> = {};

  async function update(): Promise<void> {
    const now = await auth.headers();
    if (now === headers) return;
    headers = now;
    onChange();
  }

  return {
    get headers() {
      return headers;
    },
    async run(send) {
      await update();
      const sent = headers;
      try {
        return await send();
      } catch (error) {
        const refusal = refusalIn(error);
        if (refusal === undefined || !(await auth.refused(refusal, sent))) throw error;
      }
      await update();
      try {
        return await send();
      } catch (error) {
        // Not to send it a third time: so that a credential which stays bad is known to be.
        const again = refusalIn(error);
        if (again !== undefined) await auth.refused(again, headers, true);
        throw error;
      }
    },
  };
}

/** The error for a server that refuses the credentials. */
export function refused({ status, challenge }: Refusal, said: string): GatewayError {
  return new GatewayError('upstream_unauthorized', `the server refused the credentials (${said})`, {
    details: { status, ...(challenge !== undefined && { challenge }) },
  });
}

function refusalIn(error: unknown): Refusal | undefined {
  if (!(error instanceof GatewayError) || error.code !== 'upstream_unauthorized') return undefined;
  const { status, challenge } = (error.details ?? {}) as { status?: unknown; challenge?: unknown };
  if (status !== 401 && status !== 403) return undefined;
  return { status, challenge: typeof challenge === 'string' ? challenge : undefined };
}
