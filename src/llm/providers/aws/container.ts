import { GatewayError } from '../../../lib/errors.ts';
import { readSecretFile } from '../../../lib/secret-file.ts';
import type { AwsMachine, AwsSource } from './machine.ts';
import { readCredentials } from './told.ts';

const ECS = 'http://169.254.170.2';

/** The agent beside a container: ECS, and EKS Pod Identity. */
export const containerCredentials: AwsSource = async ({ env, machineFetch }) => {
  const { AWS_CONTAINER_CREDENTIALS_RELATIVE_URI: path = '', AWS_CONTAINER_CREDENTIALS_FULL_URI: full = '' } = env;
  if (path === '' && full === '') return 'AWS_CONTAINER_CREDENTIALS_FULL_URI is not set';
  const name = path === '' ? 'AWS_CONTAINER_CREDENTIALS_FULL_URI' : 'AWS_CONTAINER_CREDENTIALS_RELATIVE_URI';
  const url = URL.parse(path === '' ? full : `${ECS}${path}`);
  if (url === null) throw new GatewayError('invalid_request', `${name} is not an address`);
  const token = tokenOf(env);
  const headers: Record<string, string> = token === '' ? {} : { authorization: token };
  return readCredentials(await machineFetch(url, { headers, redirect: 'error' }), url.host);
};

/** The file is read for every request: the token in it is replaced all the time. */
function tokenOf(env: AwsMachine['env']): string {
  const { AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE: file = '', AWS_CONTAINER_AUTHORIZATION_TOKEN: token = '' } = env;
  const { text, problem } = file === '' ? { text: token } : readSecretFile(file);
  if (problem !== undefined)
    throw new GatewayError('invalid_request', `AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE: ${problem}`);
  return text.trim();
}
