export async function openSse(..._: unknown[]): Promise<never> {
  throw new Error('stub');
}
