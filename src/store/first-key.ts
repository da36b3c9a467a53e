import { hashApiKey, type AccountStore } from './accounts.ts';

/**
 * On the first start there is no key to make keys with, so one is made that may do everything: the given one, or a new one.
 * Later starts change nothing; `onIgnored` hears of a given key that is not one of those stored.
 */
export async function createFirstKey(
  accounts: AccountStore,
  given: string | undefined,
  onIgnored: () => void,
): Promise<string | undefined> {
  if ((await accounts.count()) === 0) {
    const description = 'Made on the first start';
    const wanted = {
      name: 'admin',
      description,
      scopes: ['read', 'write', 'mcp', 'admin'] as const,
      ...(given && { key: given }),
    };
    const { key } = await accounts.create({ ...wanted, scopes: [...wanted.scopes] });
    return key;
  }
  const isKnown =
    given === undefined || (await accounts.loadActive()).some(({ key_hash }) => key_hash === hashApiKey(given));
  if (!isKnown) onIgnored();
  return undefined;
}
