import { GatewayError } from '../../lib/errors.ts';
import { writeNotification, type JsonObject } from '../../lib/json-rpc.ts';
import { scanObject } from '../../lib/json-scan.ts';
import { createAnswerReader, type AnswerReader } from './answer-reader.ts';
import { explainAnswer, explainError } from './failure.ts';
import type { Link, Target } from './link.ts';
import { createListener } from './listener.ts';
import { answeredIds } from './message.ts';
import { encodeHeader } from '../../lib/header-value.ts';

/** What the gateway agreed to in `initialize`, for revisions up to 2025-11-25. */
export interface Session {
  readonly id: string | undefined;
  readonly version: string | undefined;
  /** What every later request carries. */
  readonly headers: readonly string[];
  /** The lists whose changes the gateway announces: tools, prompts, resources. */
  readonly announced: readonly string[];
}

interface Deps {
  readonly link: Link;
  readonly target: Target;
  /** Takes what the gateway sends of its own accord. */
  readonly onMessage: (message: Buffer) => void;
  readonly report: (sentence: string) => void;
}

/** The session of a client with the gateway. */
export interface SessionKeeper {
  readonly current: Session | undefined;
  /** The client sends `initialize`: whatever was agreed before is void. */
  begin(initialize: Buffer): void;
  /** The gateway has answered `initialize`. */
  establish(reply: Buffer, reader: AnswerReader): void;
  /** The gateway has taken `notifications/initialized`: it may be listened to. */
  confirm(initialized: Buffer): void;
  /** Makes a new session in place of one that the gateway has forgotten. The client does not notice. */
  renew(forgotten: Session): Promise<void>;
  /** Stops listening and tells the gateway that the session is over. */
  end(): Promise<void>;
}

const LISTS = ['tools', 'prompts', 'resources'];
const INITIALIZED = Buffer.from(writeNotification('notifications/initialized'));

export function createSessionKeeper({ link, target, onMessage, report }: Deps): SessionKeeper {
  let current: Session | undefined;
  let initialize: Buffer | undefined;
  let initialized: Buffer | undefined;
  let renewing: Promise<void> | undefined;
  const listener = createListener({
    link,
    target,
    headers: () => current?.headers ?? [],
    onMessage,
    onGap: announceChanges,
    onForgotten: () => {
      if (current !== undefined) renew(current).catch((error: unknown) => report(explainError(error, target).message));
    },
    report,
  });

  /** Lists may have changed while nobody listened, or in the gateway that forgot the session. */
  function announceChanges(): void {
    for (const list of current?.announced ?? [])
      onMessage(Buffer.from(writeNotification(`notifications/${list}/list_changed`)));
  }

  function renew(forgotten: Session): Promise<void> {
    if (current !== forgotten) return renewing ?? Promise.resolve();
    renewing ??= shakeHands(forgotten).finally(() => (renewing = undefined));
    return renewing;
  }

  async function shakeHands(forgotten: Session): Promise<void> {
    if (initialize === undefined) return;
    const [session] = await introduce(initialize);
    if (session === undefined) throw new GatewayError('upstream_bad_reply', 'the gateway refuses a new session');
    if (session.version !== forgotten.version) {
      const sentence = `the gateway now speaks MCP ${session.version ?? 'of an unknown revision'}; restart this client`;
      throw new GatewayError('upstream_bad_reply', sentence);
    }
    await post(initialized ?? INITIALIZED, session.headers);
    current = session;
    if (initialized === undefined) return;
    announceChanges();
    listener.open();
  }

  async function introduce(hello: Buffer): Promise<Session[]> {
    const found: Session[] = [];
    const take = (message: Buffer): void => {
      if (answeredIds(message).length > 0) found.push(...readSession(message, reader));
      else onMessage(message);
    };
    const reader = createAnswerReader({ onMessage: take });
    await link.post(hello, [], reader).done;
    if (reader.status >= 300) throw explainAnswer(reader, target);
    if (!reader.isStream) take(reader.body());
    return found;
  }

  async function post(message: Buffer, headers: readonly string[]): Promise<void> {
    const reader = createAnswerReader({ onMessage });
    await link.post(message, headers, reader).done;
    if (reader.status >= 300) throw explainAnswer(reader, target);
  }

  return {
    get current() {
      return current;
    },
    begin(message) {
      listener.close();
      current = undefined;
      initialized = undefined;
      initialize = message;
    },
    establish(reply, reader) {
      [current] = readSession(reply, reader);
    },
    confirm(message) {
      initialized = message;
      if (current !== undefined) listener.open();
    },
    renew,
    async end() {
      listener.close();
      if (current?.id === undefined) return;
      await link.end(current.headers, createAnswerReader({ onMessage: () => {} })).done;
    },
  };
}

/** Empty when the gateway answered with an error. */
function readSession(reply: Buffer, { sessionId: id }: AnswerReader): Session[] {
  let result: JsonObject | undefined;
  scanObject(reply, (key, start, end) => {
    if (key === 'result') result = JSON.parse(reply.toString('utf8', start, end)) as JsonObject;
  });
  if (typeof result !== 'object' || result === null) return [];
  const { protocolVersion, capabilities } = result as { protocolVersion?: unknown; capabilities?: JsonObject };
  const version = typeof protocolVersion === 'string' ? protocolVersion : undefined;
  const headers = [
    ...(id === undefined ? [] : ['mcp-session-id', id]),
    ...(version === undefined ? [] : ['mcp-protocol-version', encodeHeader(version)]),
  ];
  const announced = LISTS.filter((list) => (capabilities?.[list] as JsonObject | undefined)?.listChanged === true);
  return [{ id, version, headers, announced }];
}
