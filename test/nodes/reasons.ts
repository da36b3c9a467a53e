/** Scenarios that mean one node, and why: each node has its own connections to servers, its own children, its own clock of checks. */
export const ONE_NODE_ONLY: readonly { readonly file: string; readonly name: RegExp; readonly reason: string }[] = [];
