/** What a node remembers of a client has its name in the token that the client holds. Undefined: any node will do. */
export interface Homes {
  /** Of a legacy session, its streams and what runs in it. */
  ofSession(sessionId: string): string | undefined;
  /** Of a request that waits for its user's answer. */
  ofState(requestState: string): string | undefined;
  ofTask(taskId: string): string | undefined;
}
