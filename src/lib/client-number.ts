import { hash } from 'node:crypto';

/**
 * The number that stands for an MCP client where existing clients expect a numeric row id. The same on every node and after
 * a restart; 48 bits, so that JavaScript reads it exactly.
 */
export function clientNumber(client_id: string): number {
  return Number.parseInt(hash('sha256', client_id).slice(0, 12), 16) || 1;
}
