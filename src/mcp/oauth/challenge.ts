/** What a server asks for in `WWW-Authenticate: Bearer …` (RFC 6750 §3, RFC 9728 §5.1). */
export interface BearerChallenge {
  readonly resource_metadata?: string;
  readonly scope?: string;
  readonly error?: string;
  readonly error_description?: string;
}

const TOKEN = /[!#$%&'*+.^_`|~0-9A-Za-z-]+/y;
const PARAMETER =
  /([!#$%&'*+.^_`|~0-9A-Za-z-]+)[ \t]*=[ \t]*(?:"((?:[^"\\]|\\.)*)"|([!#$%&'*+.^_`|~0-9A-Za-z:/?@()[\]{}<>;-]+))/y;
const TOKEN68 = /[A-Za-z0-9\-._~+/]+=*(?=[ \t]*(?:,|$))/y;
const SPACE = /[\s,]*/y;

/** Reads the Bearer (or DPoP) challenge among all that a header holds; undefined when there is none. */
export function parseChallenge(header: string | null | undefined): BearerChallenge | undefined {
  const found = parseChallenges(header ?? '').find(({ scheme }) => scheme === 'bearer' || scheme === 'dpop');
  return found?.parameters;
}

/** True when more scopes would help: RFC 6750 §3.1. */
export function isScopeChallenge(challenge: BearerChallenge | undefined): boolean {
  return challenge?.error === 'insufficient_scope';
}

interface Challenge {
  readonly scheme: string;
  readonly parameters: Record<string, string>;
}

/** RFC 9110 §11.6.1: challenges and their parameters are separated by the same comma, so each word has to be looked at. */
function parseChallenges(text: string): Challenge[] {
  const challenges: Challenge[] = [];
  let at = 0;
  const take = (pattern: RegExp): RegExpExecArray | null => {
    pattern.lastIndex = at;
    const match = pattern.exec(text);
    if (match !== null) at = pattern.lastIndex;
    return match;
  };
  for (;;) {
    take(SPACE);
    if (at >= text.length) return challenges;
    const current = challenges.at(-1);
    const parameter = current === undefined ? null : take(PARAMETER);
    if (current !== undefined && parameter !== null) {
      const [, name = '', quoted, plain = ''] = parameter;
      // The first counts: a second one could only contradict it.
      current.parameters[name.toLowerCase()] ??= quoted?.replaceAll(/\\(.)/g, '$1') ?? plain;
      continue;
    }
    const scheme = take(TOKEN);
    if (scheme === null) return challenges; // not a header that this grammar knows
    challenges.push({ scheme: scheme[0].toLowerCase(), parameters: Object.create(null) as Record<string, string> });
    take(SPACE);
    take(TOKEN68);
  }
}
