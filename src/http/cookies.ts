interface CookieOptions {
  /** Undefined ends the cookie. */
  readonly value: string | undefined;
  readonly path: string;
  readonly maxAgeMs: number;
  readonly isSecure: boolean;
}

/** One cookie of a request. Where several have the name, the browser puts the most specific first. */
export function readCookie(header: string | undefined, name: string): string | undefined {
  for (const part of (header ?? '').split(';')) {
    const [key = '', ...value] = part.split('=');
    if (key.trim() === name) return value.join('=').trim();
  }
  return undefined;
}

/** A `Set-Cookie` for a cookie that no script can read and no foreign page can send along, except by a link. */
export function writeCookie(name: string, { value, path, maxAgeMs, isSecure }: CookieOptions): string {
  const age = value === undefined ? 0 : Math.floor(maxAgeMs / 1_000);
  const secure = isSecure ? '; Secure' : '';
  return `${name}=${value ?? ''}; Path=${path}; Max-Age=${age}; HttpOnly; SameSite=Lax${secure}`;
}
