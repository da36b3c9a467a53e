/** True for the models before Gemini 3. A name that tells nothing is taken for a new one. */
export function isOld(model: string): boolean {
  return /gemini-[12](?:\.|-)/.test(model);
}
