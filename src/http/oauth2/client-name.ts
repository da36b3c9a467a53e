const MAX_LENGTH = 80;

/**
 * The name of a client as people may see it. It is what a stranger chose: characters that change how the text around them is
 * read are taken out, and it is cut to a length.
 */
export function cleanName(name: string | undefined, clientId: string): string {
  const text = (name ?? '').replaceAll(/\p{C}/gu, '').replaceAll(/\s+/g, ' ').trim();
  return (text === '' ? clientId : text).slice(0, MAX_LENGTH);
}
