import type { CodeTool } from './library.ts';
import type { Answer } from './sandbox-messages.ts';
import { needOf } from './tool-files.ts';

/**
 * Decides about one call that code wants to make: undefined lets it run. Whoever sends code by REST has read and approved it;
 * everywhere else a tool must be in `tools_to_auto_execute`, however the code reaches it. Tools in `tools_to_approve` may be
 * called all the same: each call of them waits for a person, and the run with it.
 */
export function decideNested(tool: CodeTool, isReviewed: boolean): Answer | undefined {
  if (isReviewed || needOf(tool) !== 'permission') return undefined;
  const { client, own, name } = tool;
  const message =
    `tool "${own}" of ${client.name} needs approval, which code cannot wait for: call ${name} by itself, or let an ` +
    `administrator add it to tools_to_auto_execute of ${client.name}, or to tools_to_approve, so that each call of it waits`;
  return { kind: 'error', code: 'approval_required', message };
}
