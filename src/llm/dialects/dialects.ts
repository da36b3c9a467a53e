import type { CallerFormat } from '../formats/format.ts';
import { chatDialect } from './chat.ts';
import type { Dialect } from './dialect.ts';
import { messagesDialect } from './messages.ts';
import { responsesDialect } from './responses.ts';

const DIALECTS: Partial<Record<CallerFormat, Dialect>> = {
  chat: chatDialect,
  responses: responsesDialect,
  messages: messagesDialect,
};

/** How tools are spoken of in a format; undefined for one that has none. */
export function dialectOf(format: CallerFormat): Dialect | undefined {
  return DIALECTS[format];
}
