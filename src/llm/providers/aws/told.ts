import { GatewayError } from '../../../lib/errors.ts';
import { asText, parseObject } from '../../../lib/json-value.ts';
import type { AwsCredentials } from './machine.ts';

/** The credentials in an answer of one of the addresses at which AWS tells a machine its own. */
export async function readCredentials(response: Response, source: string): Promise<AwsCredentials> {
  const told = parseObject(await response.text()) ?? {};
  const accessKey = asText(told.AccessKeyId) ?? '';
  const secretKey = asText(told.SecretAccessKey) ?? '';
  // A container may be told keys that do not end.
  const end = asText(told.Expiration);
  const expiresAt = end === undefined ? Infinity : Date.parse(end);
  if (!response.ok || accessKey === '' || secretKey === '' || Number.isNaN(expiresAt)) {
    const said = asText(told.message) ?? asText(told.Message) ?? asText(told.Code) ?? `HTTP ${response.status}`;
    throw new GatewayError('upstream_unauthorized', `${source} gives no credentials: ${said}`);
  }
  return { accessKey, secretKey, sessionToken: asText(told.Token) ?? '', expiresAt };
}
