/** Scenarios that mean one node, and why. */
export const ONE_NODE_ONLY: readonly { readonly file: string; readonly name: RegExp; readonly reason: string }[] = [
  {
    file: 'metrics',
    name: /^calls are counted under their key|^calls in flight are counted/,
    reason: 'each node counts its own calls in its own /metrics, and whoever watches scrapes each',
  },
  {
    file: 'resource-subscriptions',
    name: /^one subscription at a legacy server serves all/,
    reason: 'each node whose clients listen subscribes at the server by itself, so the server sees one for each node',
  },
  {
    file: 'inference',
    name: /^a provider gets no more requests at once than it should/,
    reason: 'concurrency_and_buffer_size holds for each node: a queue of waiting requests cannot be shared',
  },
  {
    file: 'inference-accounts',
    name: /^a spent budget or token limit refuses before the provider is asked/,
    reason:
      'what a request took is known after it, and nodes hear of each other’s tokens once a second (docs/budgets.md)',
  },
  {
    file: 'explain',
    name: /^a calling key sees its own reservation/,
    reason:
      'what is reserved for a call in flight is known at the node where the call runs, and counted elsewhere when it ends',
  },
];
