import type { CredentialKind } from './isolation.ts';
import { personalClient } from './personal.ts';
import { startUpstream } from './upstream.ts';

/** Header values that callers enter in a form. */
export const HEADERS: CredentialKind = {
  async start(known) {
    const upstream = await startUpstream();
    upstream.admits = (headers) => known.has(String(headers['x-user-token']));
    return upstream;
  },
  register(gateway, name, url) {
    const user_headers = { 'x-user-token': 'of-the-admin' };
    return gateway.createClient(personalClient(url, { name, user_headers, allowed_extra_headers: ['*'] }));
  },
  picksLabel: true,
  async enter(ask, flowId, secret, label) {
    const tenants = Object.fromEntries([...Array(400).keys()].map((round) => [`x-tenant-${round}`, 'acme']));
    const headers = { 'x-user-token': secret, ...tenants };
    return (await ask('PUT', `/api/mcp/per-user-headers/flows/${flowId}`, { headers, label })).status;
  },
  secretIn: (headers) => headers['x-user-token'] ?? '',
  forge: (secret) => ({ 'x-user-token': secret }),
  async demandAll(gateway, id, round) {
    const per_user_header_keys = ['x-user-token', `x-tenant-${round}`];
    return (await gateway.update(id, { per_user_header_keys })).status;
  },
};
