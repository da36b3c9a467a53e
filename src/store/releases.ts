/** The newest migrations that each released version knows: where to go back to before it is started again. */
export const RELEASES: Readonly<Record<string, { readonly config: string; readonly ledger: string }>> = {
  '0.1.0': { config: '013-kept-results', ledger: '002-llm-logs' },
};
