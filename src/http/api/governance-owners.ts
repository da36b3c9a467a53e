import { z } from 'zod';
import {
  CustomerCreate,
  CustomerUpdate,
  CustomerView,
  TeamCreate,
  TeamUpdate,
  TeamView,
} from '../../contract/governance.ts';
import type { CustomerDirectory, TeamDirectory } from '../../governance/directory-owners.ts';
import { route, type Route } from '../route.ts';
import { findIdle, pathId, withWarnings } from './governance-input.ts';

const warnings = z.array(z.string()).optional();
const Removed = z.object({ message: z.string() });
const TeamList = z.object({ teams: z.array(TeamView), count: z.int() });
const WrittenTeam = z.object({ message: z.string(), team: TeamView, warnings });
const CustomerList = z.object({ customers: z.array(CustomerView), count: z.int() });
const WrittenCustomer = z.object({ message: z.string(), customer: CustomerView, warnings });

/** `/api/governance/teams`. */
export function teamRoutes(teams: TeamDirectory): readonly Route[] {
  return [
    route({
      method: 'get',
      path: '/api/governance/teams',
      summary: 'List the teams',
      scope: 'read',
      response: TeamList,
      async handle() {
        const list = await teams.list();
        return { teams: list, count: list.length };
      },
    }),
    route({
      method: 'get',
      path: '/api/governance/teams/{id}',
      summary: 'Get a team',
      scope: 'read',
      response: z.object({ team: TeamView }),
      handle: async ({ params }) => ({ team: await teams.get(pathId(params.id)) }),
    }),
    route({
      method: 'post',
      path: '/api/governance/teams',
      summary: 'Create a team',
      scope: 'write',
      body: TeamCreate,
      response: WrittenTeam,
      async handle({ body, actor }) {
        const team = await teams.create(body, actor);
        const idle = findIdle(body, { input: TeamCreate, view: TeamView }, false);
        return { message: 'Team created successfully', team, ...withWarnings(idle) };
      },
    }),
    route({
      method: 'put',
      path: '/api/governance/teams/{id}',
      summary: 'Update a team',
      description: 'Absent keeps; null, "" and [] clear.',
      scope: 'write',
      body: TeamUpdate,
      response: WrittenTeam,
      async handle({ params, body, actor }) {
        const team = await teams.update(pathId(params.id), body, actor);
        const idle = findIdle(body, { input: TeamUpdate, view: TeamView }, true);
        return { message: 'Team updated successfully', team, ...withWarnings(idle) };
      },
    }),
    route({
      method: 'delete',
      path: '/api/governance/teams/{id}',
      summary: 'Delete a team',
      description: 'Its virtual keys stay, without a team.',
      scope: 'write',
      response: Removed,
      async handle({ params, actor }) {
        await teams.remove(pathId(params.id), actor);
        return { message: 'Team deleted successfully' };
      },
    }),
  ];
}

/** `/api/governance/customers`. */
export function customerRoutes(customers: CustomerDirectory): readonly Route[] {
  return [
    route({
      method: 'get',
      path: '/api/governance/customers',
      summary: 'List the customers',
      scope: 'read',
      response: CustomerList,
      async handle() {
        const list = await customers.list();
        return { customers: list, count: list.length };
      },
    }),
    route({
      method: 'get',
      path: '/api/governance/customers/{id}',
      summary: 'Get a customer',
      scope: 'read',
      response: z.object({ customer: CustomerView }),
      handle: async ({ params }) => ({ customer: await customers.get(pathId(params.id)) }),
    }),
    route({
      method: 'post',
      path: '/api/governance/customers',
      summary: 'Create a customer',
      scope: 'write',
      body: CustomerCreate,
      response: WrittenCustomer,
      async handle({ body, actor }) {
        const customer = await customers.create(body, actor);
        const idle = findIdle(body, { input: CustomerCreate, view: CustomerView }, false);
        return { message: 'Customer created successfully', customer, ...withWarnings(idle) };
      },
    }),
    route({
      method: 'put',
      path: '/api/governance/customers/{id}',
      summary: 'Update a customer',
      description: 'Absent keeps; null and [] clear.',
      scope: 'write',
      body: CustomerUpdate,
      response: WrittenCustomer,
      async handle({ params, body, actor }) {
        const customer = await customers.update(pathId(params.id), body, actor);
        const idle = findIdle(body, { input: CustomerUpdate, view: CustomerView }, true);
        return { message: 'Customer updated successfully', customer, ...withWarnings(idle) };
      },
    }),
    route({
      method: 'delete',
      path: '/api/governance/customers/{id}',
      summary: 'Delete a customer',
      description: 'Its teams and virtual keys stay, without a customer.',
      scope: 'write',
      response: Removed,
      async handle({ params, actor }) {
        await customers.remove(pathId(params.id), actor);
        return { message: 'Customer deleted successfully' };
      },
    }),
  ];
}
