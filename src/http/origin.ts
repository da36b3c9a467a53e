import type { ClientSettings } from '../contract/client-settings.ts';

/**
 * The address under which the world reaches this gateway, without a path: the setting, else what the request came to, through
 * a proxy or not.
 */
export function createOriginOf(settings: () => Pick<ClientSettings, 'mcp_external_client_url'>) {
  return (request: Request): string => {
    const { mcp_external_client_url: configured } = settings();
    if (configured !== '') return configured.replace(/\/+$/, '');
    const { protocol, host } = new URL(request.url);
    const forwarded = request.headers.get('x-forwarded-proto')?.split(',')[0]?.trim();
    return `${forwarded === 'https' || forwarded === 'http' ? forwarded : protocol.slice(0, -1)}://${host}`;
  };
}
