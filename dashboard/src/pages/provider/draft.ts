import type { ProviderUpdate, ProviderView } from '../../../../src/contract/provider.ts';
import type { Form } from '../../ui/form.ts';
import { secretText } from '../server/draft.ts';
import type { BuiltIn } from './built-in.ts';

/** The settings of a provider as they are edited. */
export interface ProviderDraft {
  readonly description: string;
  readonly network_config: NetworkDraft;
  readonly concurrency_and_buffer_size: ProviderView['concurrency_and_buffer_size'];
  readonly custom_provider_config: ProviderView['custom_provider_config'];
  readonly send_back_raw_request: boolean;
  readonly send_back_raw_response: boolean;
  readonly store_raw_request_response: boolean;
}

type Network = ProviderView['network_config'];

/** How a provider is reached, as it is edited; secrets are references or masks. */
export interface NetworkDraft extends Omit<Network, 'base_url' | 'extra_headers' | 'ca_cert_pem'> {
  readonly base_url: string;
  readonly extra_headers: Readonly<Record<string, string>>;
  readonly ca_cert_pem: string;
}

/** What every part of the page gets. */
export interface ProviderFormProps {
  readonly form: Form<ProviderDraft>;
  readonly isDisabled: boolean;
}

/** The stored settings as a draft. */
export function providerDraftOf(provider: ProviderView): ProviderDraft {
  const { network_config: network } = provider;
  const headers = Object.entries(network.extra_headers).map(([name, value]) => [name, secretText(value)]);
  return {
    description: provider.description,
    network_config: {
      ...network,
      base_url: network.base_url ?? '',
      extra_headers: Object.fromEntries(headers) as Record<string, string>,
      ca_cert_pem: secretText(network.ca_cert_pem),
    },
    concurrency_and_buffer_size: provider.concurrency_and_buffer_size,
    custom_provider_config: provider.custom_provider_config,
    send_back_raw_request: provider.send_back_raw_request,
    send_back_raw_response: provider.send_back_raw_response,
    store_raw_request_response: provider.store_raw_request_response,
  };
}

/** All settings, as PUT wants them: what it does not find goes back to its default. A mask keeps its secret. */
export function providerUpdate({
  network_config,
  custom_provider_config: custom,
  ...others
}: ProviderDraft): ProviderUpdate {
  const { base_url, ...network } = network_config;
  return {
    ...others,
    network_config: { ...network, ...(base_url === '' ? {} : { base_url }) },
    ...(custom && {
      // The gateway says what it takes.
      custom_provider_config: { ...custom, base_provider_type: custom.base_provider_type as BuiltIn },
    }),
  };
}
