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
