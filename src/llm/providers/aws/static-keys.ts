import { homedir } from 'node:os';
import { join } from 'node:path';
import { GatewayError } from '../../../lib/errors.ts';
import { readSecretFile } from '../../../lib/secret-file.ts';
import type { AwsSource } from './machine.ts';

/** Programs that sign people in write session keys into the file, so it is read again from time to time. */
const FILE_LIFETIME_MS = 10 * 60_000;

/** Keys in the environment. */
export const environmentCredentials: AwsSource = async ({ env }) => {
  const [accessKey, secretKey, sessionToken] = [
    env.AWS_ACCESS_KEY_ID?.trim() ?? '',
    env.AWS_SECRET_ACCESS_KEY?.trim() ?? '',
    env.AWS_SESSION_TOKEN?.trim() ?? '',
  ];
  if (accessKey === '' && secretKey === '') return 'AWS_ACCESS_KEY_ID is not set';
  demandBoth(accessKey, secretKey, 'AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY');
  return { accessKey, secretKey, sessionToken, expiresAt: Infinity };
};

/** Keys in the file that the tools of AWS share. Profiles that lead elsewhere (a role, a sign-in) are not followed. */
export const fileCredentials: AwsSource = async ({ env, now }) => {
  const path = env.AWS_SHARED_CREDENTIALS_FILE || join(env.HOME || homedir(), '.aws', 'credentials');
  const profile = env.AWS_PROFILE || 'default';
  const { text, problem } = readSecretFile(path);
  if (problem !== undefined) return problem;
  const section = readSection(text, profile);
  if (section === undefined) return `${path} has no profile "${profile}"`;
  const [accessKey, secretKey] = [section.aws_access_key_id ?? '', section.aws_secret_access_key ?? ''];
  if (accessKey === '' && secretKey === '') return `the profile "${profile}" in ${path} has no keys`;
  demandBoth(accessKey, secretKey, `aws_access_key_id and aws_secret_access_key of the profile "${profile}"`);
  return { accessKey, secretKey, sessionToken: section.aws_session_token ?? '', expiresAt: now() + FILE_LIFETIME_MS };
};

function demandBoth(accessKey: string, secretKey: string, names: string): void {
  if (accessKey === '' || secretKey === '') throw new GatewayError('invalid_request', `${names} must be set together`);
}

/** The settings of one section of an INI file; undefined when it is not there. */
function readSection(text: string, wanted: string): Record<string, string> | undefined {
  let found: Record<string, string> | undefined;
  let isInside = false;
  for (const line of text.split(/\r?\n/)) {
    const name = /^\s*\[\s*(.*?)\s*\]/.exec(line)?.[1];
    if (name !== undefined) {
      isInside = name === wanted;
      if (isInside) found ??= {};
      continue;
    }
    const [, key, value] = /^\s*([a-z_]+)\s*=\s*(.*?)\s*$/i.exec(line) ?? [];
    if (isInside && found !== undefined && key !== undefined && value !== undefined) found[key.toLowerCase()] = value;
  }
  return found;
}
