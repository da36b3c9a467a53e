import { readFileSync } from 'node:fs';

/** The version of this gateway, from package.json, which lies two levels up from here in the sources and in dist alike. */
export const VERSION = readVersion();

function readVersion(): string {
  const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8');
  return (JSON.parse(text) as { version: string }).version; // our own file
}
