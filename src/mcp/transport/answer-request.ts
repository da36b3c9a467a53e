import { ERRORS, GatewayError } from '../../lib/errors.ts';
import type { JsonRpcRequest } from '../../lib/json-rpc.ts';
import type { ConnectionEvents } from './transport.ts';

/** Asks the owner of a connection to answer a request of the server. Gives the JSON-RPC answer as one line of JSON text. */
export async function answerRequest(
  { id, method, params }: JsonRpcRequest,
  events: Pick<ConnectionEvents, 'onRequest'>,
): Promise<string> {
  try {
    const result = await events.onRequest({ id, method, params });
    return JSON.stringify({ jsonrpc: '2.0', id, result });
  } catch (error) {
    const known = error instanceof GatewayError;
    // What the user's side answered is handed on as it is.
    if (known && error.details?.rpc_error !== undefined)
      return JSON.stringify({ jsonrpc: '2.0', id, error: error.details.rpc_error });
    const code = known ? ERRORS[error.code].rpc : ERRORS.internal_error.rpc;
    return JSON.stringify({ jsonrpc: '2.0', id, error: { code, message: known ? error.message : 'internal error' } });
  }
}
