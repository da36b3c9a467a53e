import { GatewayError } from '../../lib/errors.ts';
import type { Reply } from '../../lib/json-rpc.ts';
import { scanObject } from '../../lib/json-scan.ts';
import type { CallTool } from '../call-tool.ts';
import type { Catalog } from '../catalog.ts';
import type { ClientRequest } from '../client-side.ts';
import { CALL_TOOL } from './meta-tools.ts';

/** Makes a result that is too large for a model one that is not. */
export type Shorten = (reply: Reply, tool: string, request: ClientRequest) => Promise<Reply>;

/**
 * Lets tools be called through `callTool({ name, arguments })`. Such a call is a call of that tool and nothing else: it has the
 * tool's rights, price, approval and log row, and none of its own.
 */
export function createCallThrough(catalog: Pick<Catalog, 'view'>, callTool: CallTool, shorten: Shorten): CallTool {
  async function callThrough(request: ClientRequest): Promise<Reply> {
    const meant = unwrap(request.params.members.get('arguments') ?? '{}');
    const members = new Map(request.params.members);
    members.set('name', JSON.stringify(meant.name));
    members.set('arguments', meant.argumentsJson);
    const inner = { ...request, params: { ...request.params, members }, isIndirect: true };
    return shorten(await callTool(meant.name, inner), meant.name, inner);
  }

  // Every call of a tool comes by here: those that are meant for the tool itself wait for nothing more.
  return (name, request) =>
    name !== CALL_TOOL || catalog.view(request.audience).tools.has(name)
      ? callTool(name, request)
      : callThrough(request);
}

/** What a call of `callTool` calls: the name of the tool, and its arguments as they were written. */
export function unwrap(argumentsJson: string): { readonly name: string; readonly argumentsJson: string } {
  const bytes = Buffer.from(argumentsJson);
  const members = new Map<string, string>();
  if (argumentsJson.trimStart().startsWith('{'))
    scanObject(bytes, (key, start, end) => void members.set(key, bytes.toString('utf8', start, end)));
  const name = JSON.parse(members.get('name') ?? 'null') as unknown;
  if (typeof name !== 'string' || name === '')
    throw new GatewayError('invalid_request', 'name: must be the name of a tool, as searchTools gives it');
  return { name, argumentsJson: checkInner(members.get('arguments') ?? '{}') };
}

/** Models write an object as a text now and then. */
function checkInner(json: string): string {
  const value = JSON.parse(json) as unknown;
  if (value === null) return '{}';
  if (typeof value === 'object' && !Array.isArray(value)) return json;
  if (typeof value === 'string' && isObjectText(value)) return value.replaceAll(/[\r\n]+/g, ' ');
  throw new GatewayError('invalid_request', 'arguments: must be an object, what the tool takes');
}

function isObjectText(text: string): boolean {
  try {
    const value = JSON.parse(text) as unknown;
    return typeof value === 'object' && value !== null && !Array.isArray(value);
  } catch {
    return false;
  }
}
