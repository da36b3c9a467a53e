import { expect } from 'vitest';
import { certificates } from '../../kit/certificates.ts';
import { httpClient } from '../../kit/gateway.ts';
import { callText } from '../../kit/scene.ts';
import { startUpstream } from '../../kit/upstream.ts';
import type { FieldRow } from './field.ts';

const MASK = expect.stringContaining('*') as string;
const NONE = { value: '' };

/** The TLS of a server. */
export const TLS_ROWS: readonly FieldRow[] = [
  {
    fields: ['tls_config.ca_cert_pem', 'tls_config.insecure_skip_verify'],
    says: 'a private authority is trusted in the place of anybody',
    tab: 'connection',
    async begin({ gateway, cleanup }) {
      const made = await certificates();
      const upstream = cleanup.use(await startUpstream({ tls: { certificates: made } }));
      return {
        client: httpClient(upstream.url, { tls_config: { insecure_skip_verify: true } }),
        async edit(page) {
          await page.getByLabel('Certificate authority (PEM)').fill(made.ca);
          await page.getByRole('switch', { name: 'Accept any certificate' }).click();
        },
        sends: { tls_config: { ca_cert_pem: made.ca } },
        shows: {
          state: 'connected',
          config: { tls_config: { insecure_skip_verify: false, ca_cert_pem: { value: MASK }, client_key_pem: NONE } },
        },
        works: async () => expect(await callText(gateway, 'c1-echo', { text: 'safe' })).toBe('safe'),
      };
    },
  },
  {
    fields: ['tls_config.insecure_skip_verify', 'disabled'],
    says: 'any certificate is accepted where somebody asks for it',
    tab: 'connection',
    async begin({ gateway, cleanup }) {
      const upstream = cleanup.use(await startUpstream({ tls: { certificates: await certificates() } }));
      return {
        client: httpClient(upstream.url, { disabled: true }),
        async edit(page) {
          await page.getByRole('switch', { name: 'Accept any certificate' }).click();
          await page.getByRole('switch', { name: 'Enabled' }).click();
        },
        sends: { tls_config: { insecure_skip_verify: true }, disabled: false },
        works: async () => expect(await callText(gateway, 'c1-echo', { text: 'any' })).toBe('any'),
      };
    },
  },
  {
    fields: ['tls_config.client_cert_pem', 'tls_config.client_key_pem', 'disabled'],
    says: 'a server that wants a certificate gets it, and the authority stays',
    tab: 'connection',
    async begin({ gateway, cleanup }) {
      const made = await certificates();
      const tls = { certificates: made, requiresClientCertificate: true };
      const upstream = cleanup.use(await startUpstream({ tls }));
      const { cert, key } = made.client;
      return {
        client: httpClient(upstream.url, { disabled: true, tls_config: { ca_cert_pem: made.ca } }),
        async edit(page) {
          await page.getByLabel('Client certificate (PEM)', { exact: true }).fill(cert);
          await page.getByLabel('Private key of the client certificate (PEM)').fill(key);
          await page.getByRole('switch', { name: 'Enabled' }).click();
        },
        sends: { tls_config: { ca_cert_pem: MASK, client_cert_pem: cert, client_key_pem: key }, disabled: false },
        shows: { state: 'connected', config: { tls_config: { client_key_pem: { value: MASK } } } },
        works: async () => expect(await callText(gateway, 'c1-echo', { text: 'mutual' })).toBe('mutual'),
      };
    },
  },
];
