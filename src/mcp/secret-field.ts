import { updateSecret, type Secret, type SecretInput } from '../lib/secret.ts';
import { invalid } from './client-rules.ts';

/** The secret after a partial update: absent or null keeps it, and so does its own mask. Throws `invalid_request`. */
export function patchSecret(field: string, sent: SecretInput | null | undefined, stored: Secret): Secret {
  if (sent === null || sent === undefined) return stored;
  const next = updateSecret(sent, stored);
  if (next === undefined)
    throw invalid(field, 'is a mask, but there is no stored value behind it; send the value itself');
  return next;
}
