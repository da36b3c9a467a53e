/** A tools/call result with every kind of content, and fields that no specification knows. */
export const RICH_RESULT = {
  content: [
    {
      type: 'text',
      text: 'Grüße, 世界 \u2028 "quoted" \\ \u0000 🌈',
      annotations: { audience: ['user'], priority: 0.5, 'x-new': true },
      _meta: { 'example.com/part': 1 },
      'x-unknown': { nested: [1, null, { deep: true }] },
    },
    { type: 'image', data: 'iVBORw0KGgo=', mimeType: 'image/png' },
    { type: 'audio', data: 'UklGRg==', mimeType: 'audio/wav' },
    {
      type: 'resource_link',
      uri: 'file:///a.txt',
      name: 'a.txt',
      description: 'a link',
      mimeType: 'text/plain',
      size: 3,
    },
    { type: 'resource', resource: { uri: 'file:///b.txt', mimeType: 'text/plain', text: 'b', _meta: { owner: 'me' } } },
    { type: 'resource', resource: { uri: 'file:///c.bin', mimeType: 'application/octet-stream', blob: 'AAEC' } },
  ],
  structuredContent: { rows: [{ id: 1, ok: true }], total: 1.5, nothing: null },
  _meta: { 'example.com/trace': 'abc', other: { a: [] } },
  'x-unknown-member': [1, null, { deep: true }],
};
