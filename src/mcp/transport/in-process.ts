export type InProcessServer = { connect(t: unknown): Promise<void> } | (() => unknown);
export async function openInProcess(..._: unknown[]): Promise<never> {
  throw new Error('stub');
}
