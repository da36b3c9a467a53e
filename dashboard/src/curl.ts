interface Outgoing {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: unknown;
}

/** A request to `/mcp` as a command for a shell. The key is a variable: a command ends up in histories and in tickets. */
export function curlOf(address: string, { headers, body }: Outgoing): string {
  const lines = Object.entries(headers).map(([name, value]) => `  -H ${quote(`${name}: ${value}`)}`);
  return [
    `curl -N ${quote(address)}`,
    '  -H "authorization: Bearer $ASBRU_KEY"',
    ...lines,
    `  --data-raw ${quote(JSON.stringify(body))}`,
  ].join(' \\\n');
}

function quote(text: string): string {
  return `'${text.replaceAll("'", String.raw`'\''`)}'`;
}
