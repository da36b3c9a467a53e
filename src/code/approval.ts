import type { CallSource } from '../store/ledger-rows.ts';
import type { CodeTool } from './library.ts';
import type { Answer, NestedCall } from './sandbox-messages.ts';
import { isApproved } from './tool-files.ts';

/**
 * Decides about one call that code wants to make: undefined lets it run. Whoever sends code by REST has read and approved it;
 * everywhere else a tool must be in `tools_to_auto_execute`, however the code reaches it. An answer of the kind `interrupt` would
 * stop the run here, and what is decided meanwhile comes back as `call.resolution`.
 */
export function decideNested(tool: CodeTool, source: CallSource, _call: NestedCall): Answer | undefined {
  if (source === 'rest' || isApproved(tool)) return undefined;
  const { client, own, name } = tool;
  const message =
    `tool "${own}" of ${client.name} needs approval, which code cannot wait for: ` +
    `call ${name} by itself, or let an administrator add it to tools_to_auto_execute of ${client.name}`;
  return { kind: 'error', code: 'approval_required', message };
}
