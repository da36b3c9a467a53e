import type { Fetch } from '../../../lib/guarded-fetch.ts';
import type { Expiring } from '../renewals.ts';

/** What signs requests to AWS. */
export interface AwsCredentials extends Expiring {
  readonly accessKey: string;
  readonly secretKey: string;
  /** Empty for keys that do not expire. */
  readonly sessionToken: string;
}

/** What the sources of credentials look at. */
export interface AwsMachine {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** For STS, which is a service like any other. */
  readonly fetch: Fetch;
  /** For the addresses at which a machine is told its own credentials (policy `machine-credentials`), and for nothing else. */
  readonly machineFetch: Fetch;
  readonly now: () => number;
}

/**
 * One place where credentials may be. Gives a text that says why there are none; throws when there should be some, since going on
 * to the next would be to act as somebody else.
 */
export type AwsSource = (machine: AwsMachine, region: string) => Promise<AwsCredentials | string>;

/** The region that the environment names; empty: none. */
export function regionOfMachine({ env }: Pick<AwsMachine, 'env'>): string {
  return env.AWS_REGION?.trim() || env.AWS_DEFAULT_REGION?.trim() || '';
}
