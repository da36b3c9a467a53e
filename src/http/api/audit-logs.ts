import { z } from 'zod';
import { AuditAction, AuditEntity, AuditLog, AuditVerdict } from '../../contract/audit.ts';
import { GatewayError } from '../../lib/errors.ts';
import type { AuditStore } from '../../store/audit.ts';
import { commaList, wholeNumber } from '../query.ts';
import { route } from '../route.ts';
import type { Route } from '../route.ts';

const DEFAULT_LIMIT = 50;
const MAX_LIMIT = 1000;

const time = (description: string) =>
  z.iso
    .datetime({ offset: true, error: 'must be a time in RFC 3339' })
    .optional()
    .meta({ description: `${description} RFC 3339.` });

const Filter = z.object({
  actor: commaList('Comma list of principals such as api-key:3.'),
  action: commaList('Comma list.', AuditAction.options),
  entity: commaList('Comma list.', AuditEntity.options),
  entity_id: commaList('Comma list.'),
  start_time: time('Not before.'),
  end_time: time('Not after.'),
  search: z.string().optional().meta({ description: 'Part of the name or id of the actor or entity, in any case.' }),
  limit: wholeNumber(`Entries per page, 1 to ${MAX_LIMIT}; ${DEFAULT_LIMIT} unless given.`),
  offset: wholeNumber('Entries to skip.'),
});

const Page = z.object({
  audit_logs: z.array(AuditLog),
  pagination: z.object({ limit: z.int(), offset: z.int(), total_count: z.int() }),
});

/** `/api/audit-logs`: who changed what. There is nothing to write here: each change records itself. */
export function auditLogRoutes(audit: Pick<AuditStore, 'list' | 'find' | 'verify'>): readonly Route[] {
  return [
    route({
      method: 'get',
      path: '/api/audit-logs',
      summary: 'List the audit logs',
      description: 'Every change made over the management API or by config.json, newest first.',
      scope: 'read',
      query: Filter,
      response: Page,
      async handle({ query: { limit, offset = 0, start_time, end_time, ...words } }) {
        const page = { limit: Math.min(Math.max(limit ?? DEFAULT_LIMIT, 1), MAX_LIMIT), offset };
        const filter = { ...words, start_time: toMs(start_time), end_time: toMs(end_time) };
        const { audit_logs, total_count } = await audit.list(filter, page);
        return { audit_logs, pagination: { ...page, total_count } };
      },
    }),
    route({
      method: 'get',
      path: '/api/audit-logs/verify',
      summary: 'Verify the audit logs',
      description: 'Goes over the whole chain of hashes: was an entry changed, removed, moved or forged?',
      scope: 'read',
      response: AuditVerdict,
      handle: () => audit.verify(),
    }),
    route({
      method: 'get',
      path: '/api/audit-logs/{id}',
      summary: 'Get an audit log',
      scope: 'read',
      response: AuditLog,
      async handle({ params: { id } }) {
        if (!/^\d{1,9}$/.test(id)) throw new GatewayError('invalid_request', 'the id of an audit log must be a number');
        const found = await audit.find(Number(id));
        if (found === undefined) throw new GatewayError('not_found', `there is no audit log ${id}`);
        return found;
      },
    }),
  ];
}

function toMs(text: string | undefined): number | undefined {
  return text === undefined ? undefined : Date.parse(text);
}
