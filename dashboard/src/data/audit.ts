import { keepPreviousData, queryOptions } from '@tanstack/react-query';
import type { AuditLog, AuditVerdict } from '../../../src/contract/audit.ts';
import { query, request } from '../api.ts';
import { keys } from './keys.ts';

/** Who changed what. */
export type AuditEntry = AuditLog;

/** Which entries are meant. */
export interface AuditFilter {
  readonly search?: string | undefined;
  readonly action?: string | undefined;
  readonly entity?: string | undefined;
  readonly entity_id?: string | undefined;
}

interface AuditPage {
  readonly audit_logs: AuditEntry[];
  readonly pagination: { readonly total_count: number };
}

/** Entries, the newest first. */
export function auditQuery(filter: AuditFilter, page: { readonly limit: number; readonly offset: number }) {
  return queryOptions({
    queryKey: [...keys.audit, 'list', filter, page],
    queryFn: () => request<AuditPage>('GET', `/api/audit-logs${query({ ...filter, ...page })}`),
    placeholderData: keepPreviousData,
  });
}

/** One entry. */
export function auditEntryQuery(id: string) {
  return queryOptions({
    queryKey: [...keys.audit, 'one', id],
    staleTime: Infinity,
    queryFn: () => request<AuditEntry>('GET', `/api/audit-logs/${encodeURIComponent(id)}`),
  });
}

/** Goes over the whole chain of entries. */
export function verifyAudit(): Promise<AuditVerdict> {
  return request<AuditVerdict>('GET', '/api/audit-logs/verify');
}
