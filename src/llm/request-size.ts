/** An attachment counts as so much text, which is some 1,500 tokens: about what models take for a picture. */
const ATTACHMENT = 6_000;
/** One byte in so many is looked at: no longer attachment is missed. */
const STRIDE = 2_048;
/** So many bytes in a row without a space are no prose. */
const SAMPLE = 96;
const QUOTE = 0x22;

/**
 * The size of a request for estimates of its tokens: its length, but for pictures and files that stand in it as base64. A photo is some
 * megabytes and takes a model no more than a page of text.
 */
export function sizeOf(body: Buffer): number {
  let size = body.length;
  for (let at = STRIDE; at < body.length; at += STRIDE) {
    if (!isPacked(body, at)) continue;
    const start = body.lastIndexOf(QUOTE, at);
    const found = body.indexOf(QUOTE, at);
    const end = found === -1 ? body.length : found;
    if (end - start > ATTACHMENT && isAttachment(body, start)) size -= end - start - ATTACHMENT;
    at = end;
  }
  return size;
}

/** Whether what stands here may be a part of base64, in which some writers of JSON escape the slashes. */
function isPacked(body: Buffer, from: number): boolean {
  const until = Math.min(from + SAMPLE, body.length);
  for (let at = from; at < until; at += 1) {
    const code = body[at] ?? 0;
    const isDigitOrSlash = code >= 0x2f && code <= 0x39;
    const isLetter = (code >= 0x41 && code <= 0x5a) || (code >= 0x61 && code <= 0x7a);
    if (!isDigitOrSlash && !isLetter && code !== 0x2b && code !== 0x3d && code !== 0x5c) return false;
  }
  return true;
}

/** A `data:` address, or the value of `data` or `file_data`: base64 in a text is read as text. */
function isAttachment(body: Buffer, quote: number): boolean {
  const before = body.toString('latin1', Math.max(0, quote - 16), quote);
  if (/"(?:file_)?data"\s*:\s*$/.test(before)) return true;
  return !before.endsWith('\\') && body.toString('latin1', quote + 1, quote + 6) === 'data:';
}
