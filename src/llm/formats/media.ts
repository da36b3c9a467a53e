/** Bytes inside a request: a `data:` URL taken apart. */
export interface InlineData {
  /** In lower case. */
  readonly mediaType: string;
  /** Base64. */
  readonly data: string;
}

const DATA_URL = /^data:([^;,]*)((?:;[^;,]*)*),/i;

/** Takes a `data:` URL apart; undefined for any other address. */
export function parseDataUrl(url: string): InlineData | undefined {
  const head = DATA_URL.exec(url);
  if (head === null) return undefined;
  const rest = url.slice(head[0].length);
  const isBase64 = /;base64$/i.test(head[2] ?? '');
  const data = isBase64 ? rest : Buffer.from(decodeText(rest)).toString('base64');
  return { mediaType: head[1]?.toLowerCase() || 'text/plain', data };
}

/** The same as one address. */
export function writeDataUrl({ mediaType, data }: InlineData): string {
  return `data:${mediaType};base64,${data}`;
}

/** The text that the bytes are. */
export function readText({ data }: InlineData): string {
  return Buffer.from(data, 'base64').toString();
}

function decodeText(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text; // a bare % in it
  }
}
