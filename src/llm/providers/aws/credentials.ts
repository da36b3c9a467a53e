import { GatewayError } from '../../../lib/errors.ts';
import { createRenewals } from '../renewals.ts';
import { containerCredentials } from './container.ts';
import { instanceCredentials } from './instance.ts';
import type { AwsCredentials, AwsMachine, AwsSource } from './machine.ts';
import { environmentCredentials, fileCredentials } from './static-keys.ts';
import { webIdentityCredentials } from './web-identity.ts';

/** The credentials of the machine that the gateway runs on, kept and renewed. */
export interface AwsCredentialChain {
  /** `region` is where STS is asked, unless the environment names one. Throws `invalid_request` when there are none. */
  find(region: string): Promise<AwsCredentials>;
}

/** In the order in which the SDKs of AWS look. */
const SOURCES: readonly (readonly [name: string, source: AwsSource])[] = [
  ['environment', environmentCredentials],
  ['web identity', webIdentityCredentials],
  ['credentials file', fileCredentials],
  ['container', containerCredentials],
  ['instance metadata', instanceCredentials],
];

/** Looks for credentials where the SDKs of AWS do. Only the environment says where: nothing that a caller sends is looked at. */
export function createAwsCredentialChain(machine: AwsMachine): AwsCredentialChain {
  const kept = createRenewals<AwsCredentials>(machine.now);

  async function look(region: string): Promise<AwsCredentials> {
    const tried: string[] = [];
    for (const [name, source] of SOURCES) {
      const found = await source(machine, region);
      if (typeof found !== 'string') return found;
      tried.push(`${name} (${found})`);
    }
    throw new GatewayError('invalid_request', `this machine has no AWS credentials; tried: ${tried.join(', ')}`);
  }

  return { find: (region) => kept.find('machine', () => look(region)) };
}
