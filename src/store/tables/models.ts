/** A provider of models. Its keys are announced as their provider. */
export interface ProviderTable {
  name: string;
  description: string;
  /** What of `network_config` is no secret, as JSON. */
  network: string;
  /** Encrypted values by name, as is the next. */
  extra_headers: string;
  ca_cert_pem: string;
  concurrency: number;
  buffer_size: number;
  custom: string | null;
  send_back_raw_request: number;
  send_back_raw_response: number;
  store_raw_request_response: number;
  /** Empty when config.json never named it; so for keys. */
  config_hash: string;
  created_at: number;
  updated_at: number;
}

export interface ProviderKeyTable {
  id: string;
  name: string;
  provider: string;
  /** Everything secret of the key, encrypted, by name. */
  secrets: string;
  /** What else the key says about the cloud it belongs to, as JSON. */
  cloud: string;
  models: string;
  blacklisted_models: string;
  weight: number;
  enabled: number;
  aliases: string;
  description: string;
  config_hash: string;
  created_at: number;
  updated_at: number;
}

/** What models cost by the operator's own word; prices are USD per million tokens. */
export interface ModelPriceTable {
  id: string;
  name: string;
  /** '' for any. */
  provider: string;
  match_type: string;
  pattern: string;
  input: number;
  output: number;
  cache_read: number | null;
  cache_write: number | null;
  /** Of the entry of config.json that it was last written from. */
  config_hash: string | null;
  created_at: number;
  updated_at: number;
}

/** How the run of an agent ended, for who continues its answer. */
export interface ResponseEndTable {
  /** A digest of whose it is and of the id of the response. */
  id: string;
  /** Encrypted. */
  content: string;
  expires_at: number;
}
