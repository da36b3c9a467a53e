import { z } from 'zod';

/** What a client may say of itself when it registers (RFC 7591); the rest has no meaning here. */
const ClientMetadata = z.object({
  client_name: z.string().max(500).optional(),
  client_uri: z.string().max(2000).optional(),
  redirect_uris: z.array(z.string().max(2000)).min(1).max(20),
  grant_types: z.array(z.string()).optional(),
  response_types: z.array(z.string()).optional(),
});

const GRANT_TYPES = ['authorization_code', 'refresh_token'];
const SHOWN = [
  'client_id',
  'client_id_issued_at',
  'client_name',
  'client_uri',
  'redirect_uris',
  'grant_types',
  'response_types',
  'token_endpoint_auth_method',
  'application_type',
];

/** The registration to pass on, or what is wrong with it. A client that asks for a secret becomes a public one, as RFC 7591 lets us. */
export function readRegistration(body: string): { readonly metadata: object } | { readonly fault: string } {
  let value: unknown;
  try {
    value = JSON.parse(body);
  } catch {
    return { fault: 'the body is not JSON' };
  }
  const result = ClientMetadata.safeParse(value);
  if (!result.success) {
    const [issue] = result.error.issues;
    return { fault: `${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'invalid'}` };
  }
  const { client_name, client_uri, redirect_uris, grant_types, response_types } = result.data;
  if (response_types !== undefined && !response_types.includes('code')) return { fault: 'response_types: only "code"' };
  const wanted = GRANT_TYPES.filter((type) => grant_types?.includes(type) ?? true);
  if (!wanted.includes('authorization_code')) return { fault: 'grant_types: "authorization_code" is missing' };
  return {
    metadata: {
      ...(client_name === undefined ? {} : { client_name }),
      ...(client_uri !== undefined && isWebPage(client_uri) ? { client_uri } : {}),
      redirect_uris,
      grant_types: wanted,
      response_types: ['code'],
      token_endpoint_auth_method: 'none',
      application_type: 'native',
    },
  };
}

/** The members that mean something to a client. */
export function writeRegistration(registered: unknown): object {
  const members = Object.entries(registered as Record<string, unknown>); // an object of the library
  return Object.fromEntries(members.filter(([name]) => SHOWN.includes(name)));
}

function isWebPage(text: string): boolean {
  return URL.canParse(text) && /^https?:$/.test(new URL(text).protocol);
}
