import type { ClientSettings } from '../contract/client-settings.ts';
import { GatewayError } from '../lib/errors.ts';
import type { JsonObject, Reply } from '../lib/json-rpc.ts';
import { isObject } from '../lib/json-value.ts';
import type { BuiltInCall, BuiltIns } from '../mcp/built-in.ts';
import type { Upstream } from '../mcp/upstream/upstream.ts';
import { compileLibrary, type Library } from './library.ts';
import { defineMetaTools, META_TOOLS, type MetaTool } from './meta-tools.ts';
import { createRunCode, type RunCodeDeps } from './run-code.ts';
import { renderDocs, renderFile, renderTree } from './tool-files.ts';
import type { View } from '../mcp/view.ts';

const MAX_CODE = 256 * 1024;

/** What code mode is connected with. */
export interface CodeModeDeps extends RunCodeDeps {
  readonly settings: () => ClientSettings;
}

/**
 * Code mode: in the place of the tools of some servers, four tools to read about them and to run code over them. They are listed
 * when a server of the caller is set for it (`is_code_mode_client`), or when the caller wants all its servers so.
 */
export function createCodeMode(deps: CodeModeDeps): BuiltIns {
  const runCode = createRunCode(deps);
  /** A view is replaced, never changed. */
  const libraries = new WeakMap<View, Library>();

  function libraryOf({ view }: BuiltInCall): Library {
    const library = libraries.get(view) ?? compileLibrary(view);
    libraries.set(view, library);
    return library;
  }

  return {
    label: 'codemode',
    names: META_TOOLS,
    folds: ({ is_code_mode_client }, mode) => mode === 'code' || (mode === undefined && is_code_mode_client),
    definitions: metaToolsFor,
    async run(name, call) {
      const library = libraryOf(call);
      const input = readArguments(call);
      const binding = deps.settings().mcp_code_mode_binding_level;
      const isModern = call.request.side.era === 'modern';
      const say = (text: string) => toReply({ text, isError: false }, isModern);
      switch (name as MetaTool) {
        case 'listToolFiles':
          return say(renderTree(library, binding));
        case 'readToolFile': {
          const lines = { startLine: numberIn(input, 'startLine'), endLine: numberIn(input, 'endLine') };
          return say(renderFile(library, binding, textIn(input, 'fileName'), lines));
        }
        case 'getToolDocs':
          return say(renderDocs(library, textIn(input, 'server'), textIn(input, 'tool')));
        case 'executeToolCode': {
          const [code, session, continuation] = [
            optionalIn(input, 'code'),
            optionalIn(input, 'session'),
            optionalIn(input, 'continuation'),
          ];
          if (code !== undefined && code.length > MAX_CODE)
            throw new GatewayError('invalid_request', `code: must be at most ${MAX_CODE} characters`);
          const result = await runCode(call, library, { code, session, continuation });
          return 'reply' in result ? result.reply : toReply(result, isModern);
        }
      }
    },
  };
}

/** The definitions of the four tools that a caller sees who has these servers in code mode (`folded` of its view); else none. */
export function metaToolsFor(folded: Iterable<Pick<Upstream, 'client'>>): readonly string[] {
  const names = [...folded].map(({ client }) => client.name);
  return names.length === 0 ? [] : defineMetaTools(names);
}

function readArguments({ request }: BuiltInCall): JsonObject {
  const value = JSON.parse(request.params.members.get('arguments') ?? '{}') as unknown;
  if (isObject(value)) return value;
  throw new GatewayError('invalid_request', 'arguments: must be an object');
}

function textIn(input: JsonObject, name: string): string {
  const value = input[name];
  if (typeof value === 'string' && value !== '') return value;
  throw new GatewayError('invalid_request', `${name}: must be a text that is not empty`);
}

/** Models fill in what they need not. */
function optionalIn(input: JsonObject, name: string): string | undefined {
  const value = input[name];
  return value === undefined || value === null || value === '' ? undefined : textIn(input, name);
}

/** A text as the result of a tool. Where it was cut, half a letter may be left, which providers of models refuse. */
function toReply({ text, isError, meta }: { text: string; isError: boolean; meta?: object }, isModern: boolean): Reply {
  const head = isModern ? { resultType: 'complete' } : {};
  const tail = { ...(isError && { isError }), ...(meta && { _meta: meta }) };
  const bytes = Buffer.from(
    JSON.stringify({ ...head, content: [{ type: 'text', text: text.toWellFormed() }], ...tail }),
  );
  return { kind: 'result', bytes, isError, hasResultType: isModern };
}

/** Line numbers are never an error: what is none counts as absent. */
function numberIn(input: JsonObject, name: string): number | undefined {
  const value = Number(input[name] ?? NaN);
  return Number.isNaN(value) ? undefined : Math.trunc(value);
}
