/** Where a client is to connect. */
export interface Target {
  readonly url: string;
  readonly transport: 'http' | 'sse';
  readonly headers: Record<string, string>;
  /** What a client that is a program of its own finds in its environment, beside its home. */
  readonly environment?: Record<string, string>;
}

export interface CallOptions {
  readonly signal?: AbortSignal;
  readonly onProgress?: () => void;
}

/**
 * A connected client. An operation that is missing is one that the client cannot do. Clients that can be asked answer by
 * themselves, with `answers`.
 */
export interface PeerSession {
  listTools(): Promise<string[]>;
  /** The text of the result; an error result rejects. */
  callTool(name: string, args: Record<string, unknown>, options?: CallOptions): Promise<string>;
  listResources?(): Promise<string[]>;
  readResource?(uri: string): Promise<string>;
  listPrompts?(): Promise<string[]>;
  getPrompt?(name: string, args: Record<string, string>): Promise<string>;
  close(): Promise<void>;
}

export interface PeerClient {
  open(target: Target): Promise<PeerSession>;
}

/** What a user and a model behind a client say when a server asks. */
export const answers = {
  elicitation: { action: 'accept' as const, content: { name: 'Ada' } },
  sampling: {
    role: 'assistant' as const,
    model: 'no-model',
    content: { type: 'text' as const, text: 'Said by the model of the client' },
  },
};

/** The text blocks of a tool result. */
export function textOf(result: object): string {
  const { isError, content } = result as { isError?: boolean; content?: unknown };
  const blocks = Array.isArray(content) ? (content as { text?: unknown }[]) : [];
  const text = blocks.map((block) => (typeof block.text === 'string' ? block.text : '')).join('\n');
  if (isError === true) throw new Error(`error result: ${text}`);
  return text;
}

/** The text of all that a resource or prompt holds. */
export function allTextOf(parts: readonly unknown[]): string {
  return parts.map((part) => JSON.stringify(part)).join('\n');
}
