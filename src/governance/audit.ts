import type { AuditAction, AuditEntity, AuditRequest } from '../contract/audit.ts';
import { mask } from '../lib/secret.ts';
import type { NewAuditEntry } from '../store/audit.ts';
import { ANONYMOUS, type Caller } from './caller.ts';

/** Who makes a change, and by which request. */
export interface Actor {
  /** Stable id such as "api-key:3". */
  readonly principal: string;
  readonly name: string;
  /** Undefined when no request is behind the change. */
  readonly request: AuditRequest | undefined;
}

/** What the gateway does by itself when it starts, in the name of its config file. */
export const CONFIG_FILE: Actor = Object.freeze({ principal: 'config.json', name: 'config.json', request: undefined });

/** What the gateway does by itself while it runs, such as deleting keys that have expired. */
export const GATEWAY: Actor = Object.freeze({ principal: 'gateway', name: 'gateway', request: undefined });

/** A change as read APIs show it: views only, never records, whose secrets are not masked. */
export interface Change {
  readonly action: AuditAction;
  readonly entity: AuditEntity;
  readonly id: string;
  readonly name: string;
  /** Absent when there was nothing before, or when nothing that is stored changes. */
  readonly before?: object | undefined;
  readonly after?: object | undefined;
}

const MAX_REQUEST_ID = 128;
/** Keys that the gateway makes itself: some views show them, the audit trail must not. */
const KEY = /\b(?:sk-bf-|bfst-)[\w-]{16,}/g;

/** The actor behind a management request. */
export function actorOf(caller: Caller | undefined, request: Request, ip?: string): Actor {
  const { principal, name } = caller ?? ANONYMOUS;
  const id = request.headers.get('x-request-id')?.slice(0, MAX_REQUEST_ID);
  return {
    principal,
    name,
    request: {
      method: request.method,
      // Without its query, which may hold anything.
      path: new URL(request.url).pathname,
      ...(id === undefined ? {} : { request_id: id }),
      ...(ip === undefined ? {} : { ip }),
    },
  };
}

/** The entry that records a change, for `audit.with(tx).append(…)` at the end of the transaction that makes it. */
export function describeChange(actor: Actor, { action, entity, id, name, before, after }: Change): NewAuditEntry {
  return {
    actor: actor.principal,
    actor_name: actor.name,
    action,
    entity,
    entity_id: id,
    entity_name: name,
    before: writeView(entity, before),
    after: writeView(entity, after),
    request: actor.request,
  };
}

/** A whole view, but for what is not a setting: the tools that a server happens to have. */
function writeView(entity: AuditEntity, view: object | undefined): string | null {
  if (view === undefined) return null;
  const { tools: _tools, ...settings } = view as Readonly<Record<string, unknown>>; // a view is a JSON object
  // Managers may see the value of a virtual key whenever they ask, so its view shows it.
  const isKey = entity === 'virtual_key' && typeof settings.value === 'string';
  const masked = isKey ? { ...settings, value: mask(String(settings.value)) } : settings;
  return JSON.stringify(masked).replaceAll(KEY, mask);
}
