import { queryOptions } from '@tanstack/react-query';
import { keys } from './keys.ts';
import { askMcp, type As, type JsonObject } from './mcp.ts';

/** A tool, a prompt or a resource. */
export type OfferKind = 'tool' | 'prompt' | 'resource';

/** Something that a caller can use through `/mcp`. */
export interface Offer {
  readonly kind: OfferKind;
  /** The name that the request says; of a resource its address. */
  readonly name: string;
  readonly title: string;
  readonly description: string | undefined;
  /** What a form can ask for. */
  readonly schema: JsonObject;
}

interface Listed {
  readonly name: string;
  readonly title?: string;
  readonly description?: string;
  readonly uri?: string;
  readonly uriTemplate?: string;
  readonly inputSchema?: JsonObject;
  readonly arguments?: readonly { name: string; description?: string; required?: boolean }[];
}

/** Narrows a request to one server; empty for all. */
export function narrowTo(server: string): Record<string, string> {
  return server === '' ? {} : { 'x-bf-mcp-include-clients': server };
}

/** What this caller sees of a server through `/mcp`; `asId` stands for the caller in the cache. */
export const offersQuery = (as: As, asId: string, server: string, headers: Readonly<Record<string, string>>) =>
  queryOptions({
    queryKey: [...keys.offers(asId, server), headers],
    // What the same caller sees of the same server stays while headers are typed, and with it the arguments below.
    placeholderData: (former: Offer[] | undefined, query) =>
      query?.queryKey[1] === asId && query.queryKey[2] === server ? former : undefined,
    async queryFn(): Promise<Offer[]> {
      const all = { ...headers, ...narrowTo(server) };
      const list = (method: string, member: string): Promise<Listed[]> => listAll(as, all, method, member);
      const [tools, prompts, resources, templates] = await Promise.all([
        list('tools/list', 'tools'),
        list('prompts/list', 'prompts'),
        list('resources/list', 'resources'),
        list('resources/templates/list', 'resourceTemplates'),
      ]);
      return [
        ...tools.map((tool) => offer('tool', tool.name, tool, tool.inputSchema ?? {})),
        ...prompts.map((prompt) => offer('prompt', prompt.name, prompt, promptSchema(prompt))),
        ...resources.map((resource) => offer('resource', resource.uri ?? '', resource, {})),
        ...templates.map((template) => offer('resource', template.uriTemplate ?? '', template, {})),
      ];
    },
  });

async function listAll(as: As, headers: Record<string, string>, method: string, member: string): Promise<Listed[]> {
  const found: Listed[] = [];
  let cursor: unknown;
  do {
    const page = await askMcp({ as, headers, method, params: cursor === undefined ? {} : { cursor } });
    found.push(...((page[member] ?? []) as Listed[])); // as the protocol has it
    cursor = page['nextCursor'];
  } while (typeof cursor === 'string');
  return found;
}

function offer(
  kind: OfferKind,
  name: string,
  { title, name: ownName, description }: Listed,
  schema: JsonObject,
): Offer {
  return { kind, name, title: title ?? ownName, description, schema };
}

/** The arguments of a prompt are texts. */
function promptSchema({ arguments: args = [] }: Listed): JsonObject {
  return {
    type: 'object',
    properties: Object.fromEntries(args.map(({ name, description }) => [name, { type: 'string', description }])),
    required: args.filter(({ required }) => required === true).map(({ name }) => name),
  };
}
