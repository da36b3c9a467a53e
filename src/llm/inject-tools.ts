import type { ClientSettings } from '../contract/client-settings.ts';
import type { Caller } from '../governance/caller.ts';
import { GatewayError } from '../lib/errors.ts';
import { appendToMember, writeList, type JsonList } from '../lib/json-edit.ts';
import type { JsonObject } from '../lib/json-rpc.ts';
import { asObject, textOf } from '../lib/json-value.ts';
import { admits, modelToolName, plainToolName } from '../lib/tool-names.ts';
import type { Audience } from '../mcp/audience.ts';
import type { ToolEntry, View } from '../mcp/view.ts';
import { audienceOf } from '../mcp/client-side.ts';
import type { Catalog } from '../mcp/catalog.ts';
import type { CallerHeaders } from '../mcp/relay/forwarded-headers.ts';
import { READ_RESULT, READ_RESULT_TOOL } from '../mcp/results/read-result.ts';
import { unwrap } from '../mcp/search/call-through.ts';
import { CALL_TOOL } from '../mcp/search/meta-tools.ts';
import type { Dialect, OfferedTool, ToolCall } from './dialects/dialect.ts';
import { offeredSchema } from './formats/offered-schema.ts';
import type { ModelRequest } from './request.ts';

/** A request with the tools of its caller. */
export interface Equipped {
  readonly bytes: Buffer;
  /** For the calls of those tools. */
  readonly audience: Audience;
  /** Whether the gateway runs that call itself. */
  isAutomatic(call: Pick<ToolCall, 'name' | 'arguments'>): boolean;
  /** False when there is no such tool, so that no answer can call one. */
  readonly hasAutomatic: boolean;
  /** The request of a later round, for a model that has got a result of which it can read more. */
  withReader(request: Buffer): Buffer;
}

interface InjectDeps {
  readonly catalog: Pick<Catalog, 'view' | 'findTool'>;
  readonly settings: () => Pick<
    ClientSettings,
    'mcp_disable_auto_tool_inject' | 'mcp_tool_search' | 'mcp_tool_search_threshold'
  >;
}

/** Adds the MCP tools that a caller may use to a request, in the order of their names, so that what providers cache holds. */
export type InjectTools = (request: ModelRequest, dialect: Dialect, caller: Caller, headers: CallerHeaders) => Equipped;

/** The tools of a view in one format, ready to be added, by the names that models know them by. */
interface Prepared {
  readonly definitions: ReadonlyMap<string, string>;
  /** All of them. */
  readonly list: JsonList;
  readonly automatic: ReadonlySet<string>;
  /** Of those whose names have a hash, the names without. */
  readonly plain: ReadonlyMap<string, string>;
}

export function createInjectTools({ catalog, settings }: InjectDeps): InjectTools {
  /** Views are compiled once for all callers with equal rights; so are the definitions. */
  const prepared = new WeakMap<View, Map<string, Prepared>>();

  function prepare(view: View, dialect: Dialect): Prepared {
    let ofView = prepared.get(view);
    if (ofView === undefined) prepared.set(view, (ofView = new Map()));
    let known = ofView.get(dialect.format);
    if (known === undefined) ofView.set(dialect.format, (known = define(view, dialect)));
    return known;
  }

  /** The audience with its tools to be searched for, if the settings say so and its request does not say how. */
  function searching(audience: Audience): Audience {
    const { mcp_tool_search: when, mcp_tool_search_threshold: threshold } = settings();
    if (when === 'never' || audience.mode !== undefined) return audience;
    return when === 'always' || catalog.view(audience).tools.size > threshold
      ? { ...audience, mode: 'search' }
      : audience;
  }

  return ({ bytes, fields }, dialect, caller, headers) => {
    const asked = audienceOf(caller, headers, undefined);
    const isWanted = !settings().mcp_disable_auto_tool_inject || headers['x-bf-mcp-include-tools'] !== undefined;
    if (!isWanted) return { ...NOTHING_ADDED, bytes, audience: asked };
    const audience = searching(asked);
    const view = catalog.view(audience);
    demandGranted(audience, view, catalog);
    const { definitions, list, automatic, plain } = prepare(view, dialect);
    const own = new Set(dialect.toolNames(fields));
    // A tool that the caller brings itself stays the caller's, whatever it does.
    const added =
      own.size === 0
        ? definitions
        : new Map([...definitions].filter(([name]) => !isBrought(plain.get(name) ?? name, own)));
    const hasReader = added.has(READ_RESULT) || own.has(READ_RESULT);
    return {
      bytes: appendToMember(bytes, 'tools', added === definitions ? list : writeList([...added.values()])),
      audience,
      isAutomatic(call) {
        if (call.name === READ_RESULT) return !own.has(READ_RESULT);
        if (!added.has(call.name)) return false;
        return call.name === CALL_TOOL ? isIndirectAutomatic(call.arguments, view) : automatic.has(call.name);
      },
      hasAutomatic: automatic.size > 0,
      withReader: (request) =>
        hasReader ? request : appendToMember(request, 'tools', writeList([dialect.defineTool(offered(READER))])),
    };
  };
}

const READER = JSON.parse(READ_RESULT_TOOL) as JsonObject;
const NOTHING_ADDED = { isAutomatic: () => false, hasAutomatic: false, withReader: (request: Buffer) => request };

/**
 * A call through `callTool` is run by whoever would run that tool. One of no tool is run too, so that the model reads what was
 * wrong with it.
 */
function isIndirectAutomatic(argumentsJson: string, view: View): boolean {
  let tool: ToolEntry | undefined;
  try {
    tool = view.tools.get(unwrap(argumentsJson).name);
  } catch {
    return true;
  }
  return tool === undefined || isAutomaticTool(tool);
}

function isAutomaticTool({ upstream, own }: ToolEntry): boolean {
  return admits(upstream.client.tools_to_auto_execute, own);
}

function define(view: View, dialect: Dialect): Prepared {
  const listed = JSON.parse(`{${view.lists.tools.toString()}}`) as { tools: JsonObject[] }; // a list that the catalog wrote
  const definitions = new Map<string, string>();
  const automatic = new Set<string>();
  const plain = new Map<string, string>();
  for (const definition of listed.tools) {
    const offer = offered(definition);
    const { name } = offer;
    const publicName = textOf(definition.name);
    definitions.set(name, dialect.defineTool(offer));
    if (name !== publicName) plain.set(name, plainToolName(publicName));
    const tool = view.tools.get(publicName);
    // What no server has is the gateway's own: it asks for consent, where that is needed, by itself.
    if (tool === undefined || isAutomaticTool(tool)) automatic.add(name);
  }
  return { definitions, list: writeList([...definitions.values()]), automatic, plain };
}

function offered({ name, description, inputSchema }: JsonObject): OfferedTool {
  return {
    name: modelToolName(textOf(name)),
    description: textOf(description),
    schema: offeredSchema(asObject(inputSchema) ?? {}),
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
