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
   * more. Throws what the caller is to be told otherwise.
   */
  refused(refusal: Refusal, sent: Readonly<Record<string, string>>): Promise<boolean>;
}
