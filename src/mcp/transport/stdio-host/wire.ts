import { GatewayError, type ErrorCode } from '../../../lib/errors.ts';
import type { ChildOptions } from '../child.ts';

/** The server that a gateway wants to reach. */
export interface Wanted extends ChildOptions {
  /** Tells servers apart that are started the same way. */
  readonly id: string;
  /** The number of a process that will not do: it is to be replaced. */
  readonly instead?: number | undefined;
}

/** A GatewayError on its way between processes. */
export interface Failure {
  readonly code: ErrorCode;
  readonly message: string;
}

/** What a gateway tells the host beside the lines of MCP. */
export type ToHost =
  /** The first line of a connection. */
  | { readonly kind: 'want'; readonly server: Wanted }
  /** The handshake is done, in this revision. */
  | { readonly kind: 'ready'; readonly version: string }
  /** What uses older processes of the server is to come to this one. */
  | { readonly kind: 'lead' };

/** What the host answers with when a connection may be used. */
export interface Welcome {
  readonly kind: 'welcome';
  /** That of the process. */
  readonly number: number;
  /** Requests have the ids behind this one, up to a block of them. */
  readonly ids: number;
  /** The revision that the server speaks, where that is known already. */
  readonly version?: string | undefined;
}

/** What the host tells a gateway beside the lines of MCP. */
export type ToGateway =
  | Welcome
  /** Another block of ids, behind this one. */
  | { readonly kind: 'ids'; readonly ids: number }
  /** There is a newer process of the server. */
  | { readonly kind: 'replaced' }
  /** A request did not get to the server. */
  | ({ readonly kind: 'refused'; readonly id: number } & Failure)
  /** The connection is over. */
  | ({ readonly kind: 'lost' } & Failure);

/** No JSON begins like this, so the lines between gateway and host are told apart by their first byte. */
const MARK = '!';

/** Writes what is no line of MCP. */
export function writeNote(note: ToHost | ToGateway): string {
  return MARK + JSON.stringify(note);
}

/** Tells what is no line of MCP. */
export function isNote(line: Buffer): boolean {
  return line[0] === MARK.charCodeAt(0);
}

/** Reads what a gateway wrote by {@link writeNote}: both sides are of the same version. */
export function noteToHost(line: Buffer): ToHost {
  return JSON.parse(line.toString('utf8', 1)) as ToHost;
}

/** Reads what the host wrote by {@link writeNote}. */
export function noteToGateway(line: Buffer): ToGateway {
  return JSON.parse(line.toString('utf8', 1)) as ToGateway;
}

/** An error as it goes over the wire. */
export function toFailure({ code, message }: GatewayError): Failure {
  return { code, message };
}

/** The error that the other side had. */
export function toError({ code, message }: Failure): GatewayError {
  return new GatewayError(code, message);
}
