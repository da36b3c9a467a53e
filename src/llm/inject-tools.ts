import type { ClientSettings } from '../contract/config.ts';
import type { Caller } from '../governance/caller.ts';
import { GatewayError } from '../lib/errors.ts';
import { appendToMember } from '../lib/json-edit.ts';
import type { JsonObject } from '../lib/json-rpc.ts';
import { asObject, textOf } from '../lib/json-value.ts';
import { admits } from '../lib/tool-names.ts';
import type { Audience } from '../mcp/audience.ts';
import type { View } from '../mcp/view.ts';
import { audienceOf } from '../mcp/client-side.ts';
import type { Catalog } from '../mcp/catalog.ts';
import type { CallerHeaders } from '../mcp/relay/forwarded-headers.ts';
import type { Dialect, OfferedTool } from './dialects/dialect.ts';
import type { ModelRequest } from './request.ts';

/** A request with the tools of its caller. */
export interface Equipped {
  readonly bytes: Buffer;
  /** For the calls of those tools. */
  readonly audience: Audience;
  /** Whether the gateway runs the calls of that tool itself. */
  isAutomatic(name: string): boolean;
  /** False when there is no such tool, so that no answer can call one. */
  readonly hasAutomatic: boolean;
}

interface InjectDeps {
  readonly catalog: Pick<Catalog, 'view' | 'findTool'>;
  readonly settings: () => Pick<ClientSettings, 'mcp_disable_auto_tool_inject'>;
}

/** Adds the MCP tools that a caller may use to a request, in the order of their names, so that what providers cache holds. */
export type InjectTools = (request: ModelRequest, dialect: Dialect, caller: Caller, headers: CallerHeaders) => Equipped;

/** The tools of a view in one format, ready to be added. */
interface Prepared {
  readonly definitions: ReadonlyMap<string, string>;
  readonly automatic: ReadonlySet<string>;
}

export function createInjectTools({ catalog, settings }: InjectDeps): InjectTools {
  /** Views are compiled once for all callers with equal rights; so are the definitions. */
  const prepared = new WeakMap<View, Map<string, Prepared>>();

  function prepare(view: View, dialect: Dialect): Prepared {
    const ofView = prepared.get(view) ?? new Map<string, Prepared>();
    prepared.set(view, ofView);
    const known = ofView.get(dialect.format) ?? define(view, dialect);
    ofView.set(dialect.format, known);
    return known;
  }

  return ({ bytes, fields }, dialect, caller, headers) => {
    const audience = audienceOf(caller, headers, undefined);
    const isWanted = !settings().mcp_disable_auto_tool_inject || headers['x-bf-mcp-include-tools'] !== undefined;
    if (!isWanted) return { bytes, audience, isAutomatic: () => false, hasAutomatic: false };
    const view = catalog.view(audience);
    demandGranted(audience, view, catalog);
    const { definitions, automatic } = prepare(view, dialect);
    const own = new Set(dialect.toolNames(fields));
    // A tool that the caller brings itself stays the caller's, whatever it does.
    const added = own.size === 0 ? definitions : new Map([...definitions].filter(([name]) => !isBrought(name, own)));
    return {
      bytes: appendToMember(bytes, 'tools', [...added.values()]),
      audience,
      isAutomatic: (name) => automatic.has(name) && added.has(name),
      hasAutomatic: automatic.size > 0,
    };
  };
}

function define(view: View, dialect: Dialect): Prepared {
  const listed = JSON.parse(`{${view.lists.tools.toString()}}`) as { tools: JsonObject[] }; // a list that the catalog wrote
  const definitions = new Map(listed.tools.map((tool) => [textOf(tool.name), dialect.defineTool(offered(tool))]));
  const automatic = [...definitions.keys()].filter((name) => {
    const tool = view.tools.get(name);
    // What no server has is the gateway's own: it asks for consent, where that is needed, by itself.
    return tool === undefined || admits(tool.upstream.client.tools_to_auto_execute, tool.own);
  });
  return { definitions, automatic: new Set(automatic) };
}

function offered({ name, description, inputSchema }: JsonObject): OfferedTool {
  return {
    name: textOf(name),
    description: textOf(description),
    schema: asObject(inputSchema) ?? { type: 'object', properties: {} },
  };
}

/** By its name here, or as a popular coding client calls tools of servers that it knows itself. */
function isBrought(name: string, own: ReadonlySet<string>): boolean {
  return own.has(name) || own.has(`mcp__${name.replace('-', '__')}`);
}

/** Whoever names a tool that the key does not grant is told so, where a pattern only chooses among what is granted. */
function demandGranted({ virtualKey, filter }: Audience, view: View, catalog: Pick<Catalog, 'findTool'>): void {
  if (virtualKey === undefined) return;
  for (const name of filter?.tools ?? []) {
    if (view.tools.has(name) || catalog.findTool(name) === undefined) continue;
    throw new GatewayError('mcp_tool_blocked', `tool '${name}' is not available or not permitted for this virtual key`);
  }
}
