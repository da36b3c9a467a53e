import type { Operation } from './operations.ts';
import type { Row } from './stage.ts';

/** A cell that is not tried because of what the client does, whoever answers it. */
interface Gap {
  readonly client: string;
  readonly operation: Operation;
  readonly isStream: boolean;
  readonly why: string;
}

/** Every such `–` of the table; the others are of what a client or a mode does not have. */
export const GAPS: readonly Gap[] = [
  {
    client: '@langchain/anthropic',
    operation: 'usage',
    isStream: true,
    why:
      'it adds up the running totals of the tokens that came out, and reads those that went in from the first event only, ' +
      'when no provider but Anthropic has counted them',
  },
];

/** Whether there is something to try. Lists and vectors are no matter of the model or the stream. */
export function isTried(operation: Operation, { client, provider, isStream }: Row): boolean {
  if (GAPS.some((gap) => gap.client === client.name && gap.operation === operation && gap.isStream === isStream))
    return false;
  const isOther = isStream || provider !== (client.format === 'messages' ? 'anthropic' : 'openai');
  if (operation === 'models') return client.listModels !== undefined && !isOther;
  if (operation === 'embedding') return client.embed !== undefined && !isOther;
  return isStream || (operation !== 'broken stream' && operation !== 'failing stream');
}
