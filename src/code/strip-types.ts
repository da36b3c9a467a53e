import { stripTypeScriptTypes } from 'node:module';

/** Code without its types, or why it has no meaning. */
export type Stripped =
  | { readonly status: 'done'; readonly code: string }
  | { readonly status: 'refused'; readonly message: string; readonly line: number | undefined }
  /** The stripper failed by itself. It runs in WebAssembly, whose memory is then in disorder for good. */
  | { readonly status: 'broken' };

const PREFIX = '(async () => {\n';
const SUFFIX = '\n})';

/** Blanks out the types of code that may await and return. Lines and columns stay. */
export function stripTypes(code: string): Stripped {
  try {
    const text = stripTypeScriptTypes(`${PREFIX}${code}${SUFFIX}`);
    return { status: 'done', code: text.slice(PREFIX.length, -SUFFIX.length) };
  } catch (error) {
    const { code: kind, message, stack = '' } = error as Error & { code?: string }; // a border: Node's own errors
    if (kind !== 'ERR_INVALID_TYPESCRIPT_SYNTAX' && kind !== 'ERR_UNSUPPORTED_TYPESCRIPT_SYNTAX')
      return { status: 'broken' };
    const line = Number(/^[^\n]*:(\d+)\n/.exec(stack)?.[1]) - 1;
    return { status: 'refused', message, line: Number.isNaN(line) ? undefined : Math.max(1, line) };
  }
}
