import { GatewayError, messageOf } from '../../../lib/errors.ts';
import type { AwsMachine, AwsSource } from './machine.ts';
import { readCredentials } from './told.ts';

const ROLES = '/latest/meta-data/iam/security-credentials/';
const TOKEN_SECONDS = '21600';
/** On a machine that is none of AWS nobody answers, and some networks do not even say so. */
const PATIENCE_MS = 2000;

/**
 * The role of an EC2 instance, by version 2 of its metadata service. Version 1, which takes no token, is not asked: whoever makes a
 * program on the machine fetch an address can read that.
 */
export const instanceCredentials: AwsSource = async ({ env, machineFetch }) => {
  if (env.AWS_EC2_METADATA_DISABLED?.trim().toLowerCase() === 'true') return 'AWS_EC2_METADATA_DISABLED is set';
  const base = endpointOf(env);
  const ask = async (path: string, init: RequestInit): Promise<Response> =>
    machineFetch(`${base}${path}`, { redirect: 'error', ...init });

  const token = await ask('/latest/api/token', {
    method: 'PUT',
    headers: { 'x-aws-ec2-metadata-token-ttl-seconds': TOKEN_SECONDS },
    signal: AbortSignal.timeout(PATIENCE_MS),
  }).catch((error: unknown) => messageOf(error));
  if (typeof token === 'string') return token;
  if (!token.ok) return `HTTP ${token.status} for a token`;
  const headers = { 'x-aws-ec2-metadata-token': (await token.text()).trim() };
  const list = await ask(ROLES, { headers });
  if (list.status === 404) return 'the instance has no role';
  const [role = ''] = (await list.text()).trim().split(/\s/);
  if (!list.ok || role === '') throw new GatewayError('upstream_unauthorized', `${base} names no role of the instance`);
  return readCredentials(await ask(`${ROLES}${role}`, { headers }), base);
};

function endpointOf({ AWS_EC2_METADATA_SERVICE_ENDPOINT, AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE }: AwsMachine['env']) {
  const named = AWS_EC2_METADATA_SERVICE_ENDPOINT?.trim().replace(/\/+$/, '') ?? '';
  if (named !== '') return named;
  const isV6 = AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE?.trim().toLowerCase() === 'ipv6';
  return isV6 ? 'http://[fd00:ec2::254]' : 'http://169.254.169.254';
}
