import { expect, test } from 'vitest';
import { signHeaders, type Signer } from './signature-v4.ts';

/** From Amazon's published test suite of Signature Version 4. */
const signer: Signer = {
  accessKey: 'AKIDEXAMPLE',
  secretKey: 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY',
  sessionToken: '',
  region: 'us-east-1',
  service: 'service',
};
const at = new Date('2015-08-30T12:36:00Z');

test.each([
  ['get-vanilla', 'GET', '/', '5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31'],
  [
    'get-vanilla-empty-query-key',
    'GET',
    '/?Param1=value1',
    'a67d582fa61cc504c4bae71f336f98b97f1ea3c7a6bfe1b6e45aec72011b9aeb',
  ],
  ['post-vanilla', 'POST', '/', '5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b'],
] as const)("the signature is Amazon's own for %s", async (_name, method, path, signature) => {
  const url = new URL(`https://example.amazonaws.com${path}`);
  const headers = await signHeaders({ method, url, headers: {}, body: undefined }, signer, at);
  expect(headers).toEqual({
    'x-amz-date': '20150830T123600Z',
    authorization:
      'AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, ' +
      `SignedHeaders=host;x-amz-date, Signature=${signature}`,
  });
});

test('the body and the token of a session are signed', async () => {
  const request = { method: 'POST', url: new URL('https://example.amazonaws.com/'), headers: {} } as const;
  const sign = async (body: string, sessionToken: string): Promise<Record<string, string>> =>
    signHeaders({ ...request, body: Buffer.from(body) }, { ...signer, sessionToken }, at);
  const plain = await sign('{}', '');
  const other = await sign('{ }', '');
  const session = await sign('{}', 'token');
  expect(new Set([plain.authorization, other.authorization, session.authorization]).size).toBe(3);
  expect(session['x-amz-security-token']).toBe('token');
  expect(session.authorization).toContain('SignedHeaders=host;x-amz-date;x-amz-security-token');
});
