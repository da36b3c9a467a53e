import { GatewayError } from '../../../lib/errors.ts';

/**
 * The refusal of a conversation that Anthropic would hold (`thread`), in the words by which Anthropic's clients know that they have
 * to send all of it with every request.
 */
export function refuseThread(): GatewayError {
  return new GatewayError(
    'invalid_request',
    'thread: the gateway would lose a part of a conversation that only Anthropic holds; leave it out and send all messages',
    {
      details: {
        field: 'thread',
        provider_error: {
          type: 'invalid_request_error',
          details: { error_code: 'thread_unsupported_request', unsupported: ['thread'] },
        },
      },
    },
  );
}
