/** A white list with one name more or less; `["*"]` becomes the list of all the others when a name leaves it. */
export function setListed(list: readonly string[], all: readonly string[], name: string, isListed: boolean): string[] {
  const names = list.includes('*') ? [...all] : [...list];
  const others = names.filter((one) => one !== name);
  return isListed ? [...others, name] : others;
}
