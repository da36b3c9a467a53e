import type { ApiKeyScope } from '../contract/api-key.ts';

/** Who is behind a request, once the edge has checked the credential. Everything below the edge decides by this alone. */
export interface Caller {
  /** `operator`: a management API key, with the unrestricted view. `anonymous`: nobody in particular, where that is allowed. */
  readonly kind: 'operator' | 'anonymous';
  /** Stable id such as "api-key:3": what sessions and per-user credentials are bound to. */
  readonly principal: string;
  /** For logs and screens only. */
  readonly name: string;
  readonly scopes: readonly ApiKeyScope[];
}

/** The caller without a credential, when `enforce_auth_on_inference` is off. It may use tools and nothing else. */
export const ANONYMOUS: Caller = Object.freeze({
  kind: 'anonymous',
  principal: 'anonymous',
  name: 'anonymous',
  scopes: Object.freeze(['mcp'] as const),
});
