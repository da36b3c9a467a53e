import { join } from 'node:path';
import type { GatewayOptions } from '../../src/app.ts';
import { openDatabase, type Database, type DatabaseOptions } from '../../src/store/database.ts';
import { createExchange, type Exchange } from '../../src/store/exchange.ts';
import { newPostgresUrl, openTestDatabase } from './databases.ts';
import { joinExchange } from './siblings.ts';
import { temporaryFolder } from './temporary-folder.ts';

/** What several processes can work on together: a PostgreSQL database, or SQLite files of one supervisor's. */
export const SHARED = ['postgres', 'file'] as const;

/** A new, empty place for several gateways. */
export interface SharedPlace extends AsyncDisposable {
  /** For a gateway in a process of its own, which takes part in `exchange`; they survive JSON. */
  readonly settings: GatewayOptions;
  readonly exchange: Exchange | undefined;
  /** For a gateway in this process. */
  options(): GatewayOptions;
  /** For a look at its configuration, as another process. */
  database(): DatabaseOptions;
}

/** Makes one. `firstUrl` gives the way to the PostgreSQL that the first gateway of this process takes. */
export async function openShared(
  type: (typeof SHARED)[number],
  firstUrl?: (url: string) => Promise<string>,
): Promise<SharedPlace> {
  if (type === 'postgres') return openPostgres(firstUrl);
  const folder = await temporaryFolder();
  const exchange = createExchange();
  const settings = { appDir: folder.path };
  const options = (): GatewayOptions => ({ ...settings, siblings: joinExchange(exchange) });
  return {
    settings,
    exchange,
    options,
    database: () => ({ type: 'sqlite', path: join(folder.path, 'asbru.db'), siblings: joinExchange(exchange) }),
    [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose](),
  };
}

/** What a gateway needs to work on this PostgreSQL database. */
export function settingsFor(url: string): GatewayOptions {
  return { config: { config_store: { type: 'postgres', config: { url } } }, passphrase: 'of a test' };
}

async function openPostgres(firstUrl: (url: string) => Promise<string> = (url) => Promise.resolve(url)) {
  const url = await newPostgresUrl();
  const settings = settingsFor(url);
  const ways = [settingsFor(await firstUrl(url))];
  return {
    settings,
    exchange: undefined,
    options: () => ways.pop() ?? settings,
    database: (): DatabaseOptions => ({ type: 'postgres', config: { url } }),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}

/** A new, empty database that several processes open. */
export interface SharedDatabase extends AsyncDisposable {
  /** Opens it as another process. */
  open(): Promise<Database>;
}

/** Makes one. */
export async function openSharedDatabase(type: (typeof SHARED)[number]): Promise<SharedDatabase> {
  const stack = new AsyncDisposableStack();
  if (type === 'postgres') {
    const database = stack.use(await openTestDatabase(type));
    return { open: () => Promise.resolve(database), [Symbol.asyncDispose]: () => stack.disposeAsync() };
  }
  const path = join(stack.use(await temporaryFolder()).path, 'asbru.db');
  const exchange = createExchange();
  return {
    async open() {
      const database = await openDatabase({ type: 'sqlite', path, siblings: joinExchange(exchange) });
      stack.defer(() => database.close());
      return database;
    },
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}
