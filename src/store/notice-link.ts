import type { Client } from 'pg';
import type { Link, LinkOptions } from './link.ts';

const FIRST_RETRY_MS = 100;
const LONGEST_RETRY_MS = 10_000;
const HEARTBEAT_MS = 30_000;

interface NoticeOptions extends LinkOptions {
  readonly createListener: () => Client;
  /** Runs `pg_notify`, on any connection. */
  readonly notify: (channel: string, text: string) => Promise<void>;
}

/** A connection that listens on PostgreSQL, and is made again when it breaks. Rejects when it cannot be made at first. */
export async function openNoticeLink(options: NoticeOptions): Promise<Link> {
  const { createListener, notify, hear, reloadAll, onError } = options;
  let client: Client | undefined;
  let retry: NodeJS.Timeout | undefined;
  let isClosed = false;

  const open = async (): Promise<void> => {
    const fresh = createListener();
    client = fresh;
    fresh.on('error', onError);
    fresh.on('notification', ({ channel, payload }) => hear[channel]?.(JSON.parse(payload ?? '') as object));
    try {
      await fresh.connect();
      for (const channel of Object.keys(hear)) await fresh.query(`listen "${channel}"`);
    } catch (error) {
      end(fresh);
      throw error;
    }
    if (isClosed) return fresh.end();
    // A connection that broke without a word is noticed only by writing to it.
    const heartbeat = setInterval(() => void fresh.query('select 1').catch(() => end(fresh)), HEARTBEAT_MS).unref();
    fresh.once('end', () => {
      clearInterval(heartbeat);
      if (!isClosed) reopenLater(FIRST_RETRY_MS);
    });
  };

  const reopenLater = (delay: number): void => {
    retry = setTimeout(
      () => {
        // Whatever was announced in between is lost, so everything is read again.
        open().then(reloadAll, (error: unknown) => {
          onError(error);
          if (!isClosed) reopenLater(Math.min(delay * 2, LONGEST_RETRY_MS));
        });
      },
      delay * (0.5 + Math.random()),
    );
    retry.unref();
  };

  // Not awaited: the end of a broken connection may never be confirmed.
  const end = (broken: Client): void => void broken.end().catch(() => {});

  await open();
  return {
    send: (channel, message) => notify(channel, JSON.stringify(message)),
    async close() {
      isClosed = true;
      clearTimeout(retry);
      await client?.end().catch(() => {});
    },
  };
}
