import { GatewayError } from '../../../lib/errors.ts';
import { readSecretFile } from '../../../lib/secret-file.ts';
import { joinAddress } from '../address.ts';
import { regionOfMachine, type AwsSource } from './machine.ts';

/**
 * A token in a file, which STS exchanges for the credentials of a role: how pods on EKS get theirs (IRSA). The file is read for
 * every exchange, since the token in it is replaced all the time.
 */
export const webIdentityCredentials: AwsSource = async (machine, region) => {
  const { env, fetch } = machine;
  const { AWS_WEB_IDENTITY_TOKEN_FILE: file = '', AWS_ROLE_ARN: role = '' } = env;
  if (file === '') return 'AWS_WEB_IDENTITY_TOKEN_FILE is not set';
  if (role === '') throw new GatewayError('invalid_request', 'AWS_WEB_IDENTITY_TOKEN_FILE is set, AWS_ROLE_ARN is not');
  const { text: token, problem } = readSecretFile(file);
  if (problem !== undefined) throw new GatewayError('invalid_request', `AWS_WEB_IDENTITY_TOKEN_FILE: ${problem}`);
  const place = regionOfMachine(machine) || region;
  const base = env.AWS_ENDPOINT_URL_STS?.replace(/\/+$/, '') || `https://sts.${place}.amazonaws.com`;
  const response = await fetch(joinAddress(base, '/'), {
    method: 'POST',
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: new URLSearchParams({
      Action: 'AssumeRoleWithWebIdentity',
      Version: '2011-06-15',
      RoleArn: role,
      RoleSessionName: env.AWS_ROLE_SESSION_NAME || 'asbru',
      WebIdentityToken: token.trim(),
    }).toString(),
  });
  const answer = await response.text();
  const accessKey = elementOf(answer, 'AccessKeyId');
  const secretKey = elementOf(answer, 'SecretAccessKey');
  const sessionToken = elementOf(answer, 'SessionToken');
  const expiresAt = Date.parse(elementOf(answer, 'Expiration'));
  if (!response.ok || accessKey === '' || secretKey === '' || sessionToken === '' || Number.isNaN(expiresAt))
    throw refusedRole(role, response.status, answer);
  return { accessKey, secretKey, sessionToken, expiresAt };
};

/** STS answers with XML of a fixed form; what is looked for in it is base64, a date or an error in words. */
function elementOf(xml: string, name: string): string {
  return new RegExp(`<${name}>\\s*([^<]*?)\\s*</${name}>`).exec(xml)?.[1] ?? '';
}

function refusedRole(role: string, status: number, answer: string): GatewayError {
  const said = [elementOf(answer, 'Code'), elementOf(answer, 'Message')].filter((text) => text !== '').join(': ');
  return new GatewayError('upstream_unauthorized', `STS gives no credentials for ${role}: ${said || `HTTP ${status}`}`);
}
