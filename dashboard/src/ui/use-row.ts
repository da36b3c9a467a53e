import { useState } from 'react';

/** The row that is open. When somebody else deletes it, what was last seen of it stays: a drawer must not vanish under who types in it. */
export function useRow<Row extends { readonly id: string }>(
  rows: readonly Row[] | undefined,
  id: string | undefined,
): Row | undefined {
  const found = rows?.find((row) => row.id === id);
  const [seen, setSeen] = useState(found);
  if (found !== undefined && found !== seen) setSeen(found);
  return found ?? (seen?.id === id ? seen : undefined);
}
