/** Scenarios that mean one node, and why. */
export const ONE_NODE_ONLY: readonly { readonly file: string; readonly name: RegExp; readonly reason: string }[] = [
  {
    file: 'metrics',
    name: /^calls are counted under their key|^calls in flight are counted|^keys that a provider refuses/,
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
    file: 'find-models',
    name: /^lists are kept|^a provider that refuses, is away/,
    reason: 'each node asks providers for their models by itself, and keeps the lists',
  },
  {
    file: 'explain',
    name: /^a calling key sees its own reservation/,
    reason:
      'what is reserved for a call in flight is known at the node where the call runs, and counted elsewhere when it ends',
  },
  {
    file: 'shared-addresses',
    name: /^subscribers hear of the resource that they mean/,
    reason: 'as for resource-subscriptions: a server sees one subscription for each node whose clients listen',
  },
  {
    file: 'token-exchange',
    name: /^each caller reaches the server as themselves|^a token that ends is exchanged anew|^the settings are read without/,
    reason: 'they count exchanges: tokens of callers are kept in memory alone, so each node exchanges once',
  },
  {
    file: 'token-exchange',
    name: /^a refused exchange says who refused what/,
    reason: 'the doctor tells of the last exchange of the node that is asked (docs/operations.md)',
  },
  {
    file: 'param-headers',
    name: /^a tool with broken annotations is not offered|^a server whose tool has other annotations by now/,
    reason: 'they count log lines and refusals: each node has listed the server by itself, and learns by itself',
  },
  {
    file: 'reconnect-races',
    name: /^a reconnect that waits behind the removal/,
    reason:
      'changes of a server take turns at each node: a removal at another node waits for none, and the update is told 404',
  },
];
