import type { Homes } from '../../mcp/homes.ts';
import { askedBy } from '../../mcp/legacy-session.ts';
import type { McpMessage } from '../mcp-message.ts';
import type { Kept } from './elsewhere.ts';

/** What the messages of one POST are about, if a node keeps something of it. `session` is their `Mcp-Session-Id`. */
export function aboutOf(homes: Homes, [first]: readonly McpMessage[], session: string | undefined): Kept | undefined {
  if (first === undefined) return undefined;
  if (first.kind === 'request' && first.era === 'modern') return aboutModern(homes, first.params);
  if (session === undefined) return undefined;
  const isNew = first.kind === 'request';
  const asker = first.kind === 'answer' ? askedBy(first.id) : undefined;
  return kept(asker ?? homes.ofSession(session), session, isNew);
}

/** A session itself: its stream, or its end. */
export function aboutSession(homes: Homes, session: string, isNew: boolean): Kept | undefined {
  return kept(homes.ofSession(session), session, isNew);
}

function aboutModern(homes: Homes, { requestState, taskId }: Readonly<Record<string, unknown>>): Kept | undefined {
  if (typeof requestState === 'string') return kept(homes.ofState(requestState), requestState, false);
  if (typeof taskId === 'string') return kept(homes.ofTask(taskId), taskId, false);
  return undefined;
}

function kept(node: string | undefined, key: string, isNew: boolean): Kept | undefined {
  return node === undefined ? undefined : { node, key, isNew };
}
