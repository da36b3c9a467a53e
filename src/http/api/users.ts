import { z } from 'zod';
import { UserCreate, UserUpdate, UserView } from '../../contract/account.ts';
import type { Accounts, By } from '../../governance/accounts.ts';
import { ANONYMOUS } from '../../governance/caller.ts';
import { unknownFields } from '../check-input.ts';
import { PAGING, pageOf } from '../query.ts';
import { route, type Route, type RouteInput } from '../route.ts';
import { pathId, withWarnings } from './governance-input.ts';

const UserList = z.object({
  users: z.array(UserView),
  count: z.int(),
  total_count: z.int(),
  limit: z.int(),
  offset: z.int(),
});
const warnings = z.array(z.string()).optional();
const OneUser = z.object({ user: UserView });
const WrittenUser = z.object({ message: z.string(), user: UserView, warnings });
const Removed = z.object({ message: z.string() });

/** `/api/users`: the accounts of the dashboard, for admins. */
export function userRoutes(accounts: Accounts): readonly Route[] {
  return [...readRoutes(accounts), ...writeRoutes(accounts)];
}

function readRoutes(accounts: Accounts): Route[] {
  return [
    route({
      method: 'get',
      path: '/api/users',
      summary: 'List the accounts',
      scope: 'admin',
      query: z.object(PAGING),
      response: UserList,
      async handle({ query: { search, ...rest } }) {
        const page = pageOf({ search, ...rest });
        const { users, total_count } = await accounts.list({ ...(search === undefined ? {} : { search }), ...page });
        const count = users.length;
        return { users, count, total_count, limit: page?.limit ?? count, offset: page?.offset ?? 0 };
      },
    }),
    route({
      method: 'get',
      path: '/api/users/{id}',
      summary: 'Get an account',
      scope: 'admin',
      response: OneUser,
      handle: async ({ params }) => ({ user: await accounts.get(pathId(params.id)) }),
    }),
  ];
}

function writeRoutes(accounts: Accounts): Route[] {
  return [
    route({
      method: 'post',
      path: '/api/users',
      summary: 'Create an account',
      description: 'Nobody can give a role with more rights than they have.',
      scope: 'admin',
      body: UserCreate.loose(),
      response: WrittenUser,
      async handle(input) {
        const { username, password, role, is_active } = input.body;
        const user = await accounts.create({ username, password, role, is_active }, by(input));
        const message = 'Account created successfully';
        return { message, user, ...withWarnings(unknownFields(UserCreate, input.body)) };
      },
    }),
    route({
      method: 'put',
      path: '/api/users/{id}',
      summary: 'Update an account',
      description: 'What is absent stays. The last active admin stays one. A new password ends the sessions.',
      scope: 'admin',
      body: UserUpdate.loose(),
      response: WrittenUser,
      async handle(input) {
        const { username, password, role, is_active } = input.body;
        const patch = { username, password, role, is_active };
        const user = await accounts.update(pathId(input.params.id), patch, by(input));
        const message = 'Account updated successfully';
        return { message, user, ...withWarnings(unknownFields(UserUpdate, input.body)) };
      },
    }),
    route({
      method: 'delete',
      path: '/api/users/{id}',
      summary: 'Delete an account',
      description: 'With its sessions. The last active admin cannot be deleted.',
      scope: 'admin',
      response: Removed,
      async handle(input) {
        await accounts.remove(pathId(input.params.id), by(input));
        return { message: 'Account deleted successfully' };
      },
    }),
  ];
}

/** A route with a scope always has a caller. */
function by({ caller = ANONYMOUS, actor }: Pick<RouteInput<string, unknown, unknown>, 'caller' | 'actor'>): By {
  return { caller, actor };
}
