import { scanArray, scanObject, skipSpace } from '../../lib/json-scan.ts';

const OPEN_BRACKET = 0x5b;

/** The messages in what arrived as one: batches are of 2025-03-26 alone. Each is cut out untouched. Throws for a broken batch. */
export function splitBatch(bytes: Buffer): Buffer[] {
  if (bytes[skipSpace(bytes, 0)] !== OPEN_BRACKET) return [bytes];
  const messages: Buffer[] = [];
  scanArray(bytes, (start, end) => messages.push(bytes.subarray(start, end)));
  return messages;
}

/** The id of a message that is JSON-RPC at least by name: a line of a JSON log may have an id too. */
export function findReplyId(bytes: Buffer): unknown {
  let id: unknown;
  let isJsonRpc = false;
  try {
    scanObject(bytes, (key, start, end) => {
      if (key === 'jsonrpc') isJsonRpc = true;
      else if (key === 'id') id = JSON.parse(bytes.toString('utf8', start, end));
    });
  } catch {
    // What was read before it broke is enough.
  }
  return isJsonRpc ? id : undefined;
}
