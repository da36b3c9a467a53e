const REQUESTS =
  'Accept,Accept-Encoding,Accept-Language,Authorization,Connection,Content-Length,Content-Type,Host,Last-Event-ID,Mcp-Method,' +
  'Mcp-Name,Mcp-Protocol-Version,Mcp-Session-Id,MCP-Protocol-Version,Origin,Sec-Fetch-Mode,Traceparent,User-Agent,X-Api-Key,' +
  'X-Bf-Vk,X-Forwarded-For,X-Forwarded-Proto,X-Request-Id';
const RESPONSES =
  'Access-Control-Allow-Origin,Access-Control-Expose-Headers,Cache-Control,Content-Encoding,Date,ETag,Expires,Keep-Alive,' +
  'Last-Modified,Request-Id,Server,Set-Cookie,Strict-Transport-Security,Transfer-Encoding,Vary,Via,X-Content-Type-Options,' +
  'X-Powered-By';

/**
 * Names of fields that come with nearly every HTTP message, in the two ways in which they are mostly written, and what they are in
 * lower case: to find one here costs less than to check and change it, and gives a text that is a key already.
 */
export const COMMON_NAMES: ReadonlyMap<string, string> = new Map(
  `${REQUESTS},${RESPONSES}`
    .split(',')
    .flatMap((name) => [name, name.toLowerCase()].map((written) => [written, name.toLowerCase()] as const)),
);

/** A token (RFC 9110, 5.6.2), as the name of a field must be. */
export const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
/** What must not be in the value of a field (RFC 9110, 5.5), above all CR, LF and NUL; a text has one letter for each byte. */
export const NOT_IN_VALUE = /[^\t\x20-\x7e\x80-\xff]/;

export const TAB = 9;
export const SPACE = 32;

/** The value that stands there without the spaces and tabs around it (RFC 9110, 5.5); `String.trim` would take more. */
export function valueAt(text: string, from: number, to: number): string {
  let start = from;
  let end = to;
  while (start < end && isBlank(text.charCodeAt(start))) start += 1;
  while (end > start && isBlank(text.charCodeAt(end - 1))) end -= 1;
  return text.slice(start, end);
}

function isBlank(code: number): boolean {
  return code === SPACE || code === TAB;
}
