import { randomBytes } from 'node:crypto';
import type { ClientSettings } from '../../contract/client-settings.ts';
import type { KeptResult, KeptResultStore } from '../../store/kept-results.ts';
import { describeText } from './describe-text.ts';

/** A text that was kept, and what stands in its place. */
export interface Kept {
  readonly id: string;
  readonly uri: string;
  /** What a model reads instead: what this is, how to read on, and how it begins. */
  readonly notice: string;
}

/** Results that are too large for a model. */
export interface Results {
  /** Keeps a text that is too large; undefined: it cannot be kept, and goes on as it is. */
  keep(text: string, whole: string | undefined, of: { tool: string; principal: string }): Promise<Kept | undefined>;
  find(id: string, principal: string): Promise<KeptResult | undefined>;
  /** The most that goes to a model, in bytes; 0: everything. */
  readonly limit: number;
  stop(): void;
}

interface ResultsDeps {
  readonly store: KeptResultStore;
  readonly settings: () => Pick<ClientSettings, 'mcp_max_result_size'>;
  readonly onError: (error: unknown) => void;
  readonly now?: () => number;
}

/** Begins the address of a kept result. */
export const RESULT_URI = 'asbru://results/';
export const KEPT_MINUTES = 60;
const MINUTE_MS = 60_000;
const SWEEP_MS = 5 * MINUTE_MS;
const MAX_PREVIEW = 4_000;

/** Keeps large results for an hour, for the caller who got them and nobody else. */
export function createResults({ store, settings, onError, now = Date.now }: ResultsDeps): Results {
  const sweeping = setInterval(() => void store.sweep(now()).catch(onError), SWEEP_MS).unref();

  return {
    get limit() {
      return settings().mcp_max_result_size;
    },
    async keep(text, whole, { tool, principal }) {
      const id = randomBytes(16).toString('base64url');
      const created_at = now();
      const expires_at = created_at + KEPT_MINUTES * MINUTE_MS;
      try {
        await store.insert({ id, principal, tool, text, whole, created_at, expires_at });
      } catch (error) {
        // Too long is better than lost.
        onError(error);
        return undefined;
      }
      return { id, uri: `${RESULT_URI}${id}`, notice: noticeOf(id, text, settings().mcp_max_result_size) };
    },
    find: (id, principal) => store.find(id, principal, now()),
    stop: () => clearInterval(sweeping),
  };
}

function noticeOf(id: string, text: string, limit: number): string {
  const preview = text.slice(0, Math.min(MAX_PREVIEW, limit)).toWellFormed();
  return [
    `This result is too large to show whole: ${describeText(text)}.`,
    `It is kept for ${KEPT_MINUTES} minutes. Read what you need of it with readResult({ id: ${JSON.stringify(id)}, grep?, jsonPath?, offset?, length? }).`,
    `It begins:`,
    '',
    preview,
  ].join('\n');
}
