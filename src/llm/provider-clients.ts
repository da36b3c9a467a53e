import { createHttpClient, type HttpClient } from '../lib/http-client.ts';
import type { Egress } from '../lib/egress.ts';
import type { ProviderRecord } from '../store/providers.ts';

/** Connections to the providers, kept between requests. */
export interface ProviderClients {
  /** The client for the origin of that address, with the TLS settings of the provider as they are now. */
  open(provider: ProviderRecord, url: URL): HttpClient;
  close(): Promise<void>;
}

interface Kept {
  readonly record: ProviderRecord;
  readonly client: HttpClient;
}

/** Keeps one client for each provider and origin. */
export function createProviderClients(egress: Egress): ProviderClients {
  const kept = new Map<string, Kept>();

  return {
    open(record, url) {
      const name = `${record.name} ${url.origin}`;
      const known = kept.get(name);
      if (known?.record === record) return known.client;
      // What runs on the former connections ends there.
      if (known !== undefined) void drain(known.client);
      const { insecure_skip_verify: insecureSkipVerify, ca_cert_pem } = record.network;
      const caPem = ca_cert_pem.resolve();
      const tls =
        insecureSkipVerify || caPem !== ''
          ? { insecureSkipVerify, caPem, clientCertPem: '', clientKeyPem: '' }
          : undefined;
      const client = createHttpClient(url, tls, egress);
      kept.set(name, { record, client });
      return client;
    },
    async close() {
      await Promise.all([...kept.values()].map(({ client }) => client.close()));
    },
  };
}

const DRAIN_MS = 10 * 60_000;

function drain(client: HttpClient): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(() => void client.close().finally(resolve), DRAIN_MS).unref();
  });
}
