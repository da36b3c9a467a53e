import { AwsV4Signer } from 'aws4fetch';

/** A request that is to be signed for AWS. */
export interface UnsignedRequest {
  readonly method: 'GET' | 'POST';
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  /** Undefined: none. */
  readonly body: Buffer | undefined;
}

/** Who signs, and for what. */
export interface Signer {
  readonly accessKey: string;
  readonly secretKey: string;
  /** Empty for keys that do not expire. */
  readonly sessionToken: string;
  readonly region: string;
  readonly service: string;
}

/** The headers of a request with those that Signature Version 4 adds, lower-case. The body must be sent as it was signed. */
export async function signHeaders(
  { method, url, headers, body }: UnsignedRequest,
  { accessKey, secretKey, sessionToken, region, service }: Signer,
  at: Date,
): Promise<Record<string, string>> {
  const signed = await new AwsV4Signer({
    method,
    url: url.href,
    headers: { ...headers },
    body: body === undefined ? null : new Uint8Array(body),
    accessKeyId: accessKey,
    secretAccessKey: secretKey,
    ...(sessionToken === '' ? {} : { sessionToken }),
    region,
    service,
    datetime: at.toISOString().replace(/[:-]|\.\d{3}/g, ''),
  }).sign();
  return Object.fromEntries(signed.headers);
}
