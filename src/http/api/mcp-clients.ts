import { z } from 'zod';
import { SecretInput, Success } from '../../contract/common.ts';
import {
  McpClientCreate,
  McpClientList,
  McpClientUpdate,
  McpClientView,
  PendingSignIn,
} from '../../contract/mcp-client.ts';
import { GatewayError } from '../../lib/errors.ts';
import { Secret } from '../../lib/secret.ts';
import type { ClientRegistry, RegisteredClient } from '../../mcp/registry.ts';
import type { Outcome, SignIns } from '../../mcp/sign-in.ts';
import { unknownFields } from '../check-input.ts';
import { route } from '../route.ts';
import type { Route } from '../route.ts';
import { success } from '../success.ts';
import { ClientFilter, listClients, viewClient, type NameOfKey } from './client-list.ts';

const VerifyHeaders = z.looseObject({
  user_headers: z.record(z.string(), SecretInput).meta({ description: 'A value for each of per_user_header_keys.' }),
});
const VerifyExchange = z
  .looseObject({
    subject_token: SecretInput.nullish().meta({
      description: 'A token of yours; absent: the one in subject_token_header of this request.',
    }),
  })
  .optional();
const VerifyAnswer = Success.extend({ tools_count: z.int().meta({ description: 'Tools the server has now.' }) });
const RefreshAnswer = Success.extend({ tool_count: z.int().meta({ description: 'Tools the server has now.' }) });

interface Deps {
  readonly registry: ClientRegistry;
  readonly nameOfKey: NameOfKey;
  readonly signIns: SignIns;
  readonly originOf: OriginOf;
}

/** Gives the address under which the world reaches this gateway, such as `https://gateway.example.com`. */
export type OriginOf = (request: Request) => string;

const Written = z.union([PendingSignIn, Success]);

/** `/api/mcp/client(s)`: the registered servers. Every change is live when its answer arrives. */
export function mcpClientRoutes({ registry, nameOfKey, signIns, originOf }: Deps): readonly Route[] {
  return [
    ...readRoutes(registry, nameOfKey),
    ...writeRoutes(registry, signIns, originOf),
    ...actionRoutes(registry),
    ...signInRoutes(signIns, originOf),
  ];
}

function readRoutes(registry: ClientRegistry, nameOfKey: NameOfKey): Route[] {
  return [
    route({
      method: 'get',
      path: '/api/mcp/clients',
      summary: 'List the MCP clients',
      description: 'The registered servers with their tools and state. Without limit, offset and search: all of them.',
      scope: 'read',
      query: ClientFilter,
      response: McpClientList,
      handle: ({ query }) => listClients(registry.list(), query, nameOfKey),
    }),
    route({
      method: 'get',
      path: '/api/mcp/client/{id}',
      summary: 'Get an MCP client',
      scope: 'read',
      response: McpClientView,
      handle: ({ params }) => viewClient(registry.get(params.id), nameOfKey),
    }),
  ];
}

function writeRoutes(registry: ClientRegistry, signIns: SignIns, originOf: OriginOf): Route[] {
  return [
    route({
      method: 'post',
      path: '/api/mcp/client',
      summary: 'Create an MCP client',
      description:
        'Registers a server, connects to it and lists its tools. A server that cannot be reached is not stored.',
      scope: 'write',
      body: McpClientCreate,
      response: Written,
      async handle({ body, actor, request }) {
        const outcome = await signIns.create(body, originOf(request), actor);
        return write(outcome, ({ registered }) => createdText(registered), unknownFields(McpClientCreate, body));
      },
    }),
    route({
      method: 'put',
      path: '/api/mcp/client/{id}',
      summary: 'Update an MCP client',
      description: 'Absent and null fields keep what is stored. A refused update changes nothing at all.',
      scope: 'write',
      body: McpClientUpdate,
      response: Written,
      async handle({ params, body, actor, request }) {
        const outcome = await signIns.update(params.id, body, originOf(request), actor);
        return write(outcome, () => 'MCP client edited successfully', unknownFields(McpClientUpdate, body));
      },
    }),
    route({
      method: 'delete',
      path: '/api/mcp/client/{id}',
      summary: 'Delete an MCP client',
      scope: 'write',
      response: Success,
      async handle({ params, actor }) {
        await registry.remove(params.id, actor);
        return success('MCP client removed successfully');
      },
    }),
  ];
}

function actionRoutes(registry: ClientRegistry): Route[] {
  return [
    route({
      method: 'post',
      path: '/api/mcp/client/{id}/reconnect',
      summary: 'Reconnect an MCP client',
      description: 'Builds a new connection, lists the tools, and only then closes the old connection.',
      scope: 'write',
      response: Success,
      async handle({ params, actor }) {
        await registry.reconnect(params.id, actor);
        return success('MCP client reconnected successfully');
      },
    }),
    route({
      method: 'post',
      path: '/api/mcp/client/{id}/refresh-tools',
      summary: 'Refresh the tools of an MCP client',
      scope: 'write',
      response: RefreshAnswer,
      async handle({ params, actor }) {
        const count = await registry.refreshTools(params.id, actor);
        return { ...success(`MCP client tools refreshed successfully: ${count} found`), tool_count: count };
      },
    }),
    route({
      method: 'post',
      path: '/api/mcp/client/{id}/verify-headers',
      summary: 'Verify the headers of an MCP client',
      description:
        'Connects once with sample values of per_user_header_keys and lists the tools. The values are not kept.',
      scope: 'write',
      body: VerifyHeaders,
      response: VerifyAnswer,
      async handle({ params, body, actor }) {
        const count = await registry.verifyHeaders(params.id, body.user_headers, actor);
        return {
          ...success(`MCP client headers verified successfully: ${count} tools discovered`),
          tools_count: count,
        };
      },
    }),
    route({
      method: 'post',
      path: '/api/mcp/client/{id}/verify-exchange',
      summary: 'Verify the token exchange of an MCP client',
      description:
        'Exchanges a token of the caller, connects once with the result and lists the tools. Nothing is kept.',
      scope: 'write',
      body: VerifyExchange,
      response: VerifyAnswer,
      async handle({ params, body, actor, request }) {
        const token = Secret.parse(body?.subject_token ?? '').resolve();
        const count = await registry.verifyExchange(params.id, token, Object.fromEntries(request.headers), actor);
        return { ...success(`Token exchange verified successfully: ${count} tools discovered`), tools_count: count };
      },
    }),
  ];
}

function signInRoutes(signIns: SignIns, originOf: OriginOf): Route[] {
  const begin = (action: 'initiate-verification' | 'reauthorize', summary: string): Route =>
    route({
      method: 'post',
      path: `/api/mcp/client/{id}/${action}`,
      summary,
      description: 'Gives an address to be opened in a browser. The former sign-in serves until the new one is done.',
      scope: 'write',
      response: Written,
      async handle({ params, request, actor }) {
        const outcome = await signIns.begin(params.id, originOf(request), actor);
        return write(outcome, () => 'MCP client signed in successfully', []);
      },
    });
  return [
    route({
      method: 'post',
      path: '/api/mcp/client/{id}/complete-oauth',
      summary: 'Complete the sign-in to an MCP client',
      description:
        'The id is that of the OAuth configuration. Connects, lists the tools, and only then stores the client.',
      scope: 'write',
      response: Success.extend({ tools_count: z.int() }),
      async handle({ params, actor }) {
        const outcome = await signIns.complete(params.id, actor);
        if (outcome.kind === 'pending') throw new GatewayError('wrong_state', 'the sign-in is not done yet');
        const { registered, warnings } = outcome;
        const { client, tools } = registered;
        const how = client.auth_type === 'oauth' ? 'connected successfully with OAuth' : 'connected successfully';
        return { ...success(`MCP client ${how}`, warnings), tools_count: tools.length };
      },
    }),
    begin('initiate-verification', 'Sign in to an MCP client for the first time'),
    begin('reauthorize', 'Sign in to an MCP client once more'),
  ];
}

function write(
  outcome: Outcome,
  textOf: (done: Extract<Outcome, { kind: 'done' }>) => string,
  warnings: readonly string[],
): z.input<typeof Written> {
  if (outcome.kind === 'done') return success(textOf(outcome), [...outcome.warnings, ...warnings]);
  return warnings.length === 0 ? outcome.pending : { ...outcome.pending, warnings: [...warnings] };
}

// Existing clients look for the word "connected", also where nothing is connected yet.
function createdText({ client, state, tools }: RegisteredClient): string {
  if (client.disabled) return 'MCP client registered (disabled); it is connected when enabled';
  if (client.auth_type === 'token_exchange') return exchangeText(state, tools.length);
  if (client.auth_type !== 'per_user_headers') return 'MCP client connected successfully';
  return state === 'pending_verification'
    ? 'MCP client registered; it is connected when POST …/verify-headers has listed its tools with sample headers'
    : `MCP client registered. ${tools.length} tools discovered. Each user will submit their own headers on first tool use.`;
}

function exchangeText(state: RegisteredClient['state'], count: number): string {
  return state === 'pending_verification'
    ? 'MCP client registered; it is connected when POST …/verify-exchange has listed its tools with a token of yours'
    : `MCP client registered. ${count} tools discovered. It is connected with the exchanged token of each caller.`;
}
