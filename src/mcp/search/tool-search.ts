import type { BuiltInCall, BuiltIns } from '../built-in.ts';
import type { ToolEntry, View } from '../view.ts';
import { textReply } from '../text-reply.ts';
import { numberIn, readArguments, textIn } from './arguments.ts';
import { defineSearch, SEARCH_TOOLS } from './meta-tools.ts';
import { renderFound, renderNames, renderNothing, renderTool } from './render-found.ts';
import { indexOf } from './tool-index.ts';

const USUAL_LIMIT = 5;
const MAX_LIMIT = 50;
const MAX_NAMES = 500;

/**
 * Tool search: in the place of all tools, one that finds them and one that calls what was found. For whoever asks for it
 * (`mode=search`), and in requests to models if the settings say so. It finds what its caller may call, and nothing else.
 * `readers` are the definitions of tools that read what was too large.
 */
export function createToolSearch(readers: readonly string[] = []): BuiltIns {
  return {
    label: 'toolsearch',
    names: new Set([SEARCH_TOOLS]),
    folds: (_, mode) => mode === 'search',
    definitions: (folded) =>
      folded.length === 0 ? [] : [...defineSearch(folded.map(({ client }) => client.name)), ...readers],
    async run(_, { view, request }) {
      return textReply(await search(view, request), request.side.era);
    },
  };
}

async function search(view: View, request: BuiltInCall['request']): Promise<string> {
  const input = readArguments(request);
  const query = textIn(input, 'query')?.trim() ?? '';
  const server = textIn(input, 'server')?.trim() ?? '';
  const limit = numberIn(input, 'limit', 1, query === '' ? MAX_NAMES : MAX_LIMIT);
  const isWanted = ({ upstream }: { upstream: { client: { name: string } } }): boolean =>
    server === '' || fold(upstream.client.name) === fold(server);
  const exact = view.tools.get(query);
  if (exact !== undefined && isWanted(exact)) return renderTool(query, exact);
  const names = server === '' ? [...view.tools.keys()] : namesOf(view, isWanted);
  if (names.length === 0) return renderNothing(query, serversOf(view));
  if (query === '') return renderNames(names.slice(0, limit ?? MAX_NAMES), names.length);
  const index = await indexOf(view);
  const found = index.search(query, limit ?? USUAL_LIMIT, isWanted);
  return found.length === 0 ? renderNothing(query, serversOf(view)) : renderFound(found, names.length);
}

function namesOf({ tools }: View, isWanted: (tool: ToolEntry) => boolean): string[] {
  return [...tools].filter(([, tool]) => isWanted(tool)).map(([name]) => name);
}

function serversOf({ tools }: View): string[] {
  return [...new Set([...tools.values()].map(({ upstream }) => upstream.client.name))].toSorted();
}

/** Models write names of servers in their own way. */
function fold(name: string): string {
  return name.toLowerCase().replaceAll(/[^\p{L}\p{N}]/gu, '');
}
