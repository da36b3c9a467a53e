import { useState } from 'react';
import { CodeBlock } from '../../ui/code-block.tsx';
import { Tabs } from '../../ui/tabs.tsx';

type Client = 'claude' | 'json' | 'vscode' | 'stdio';

/** The line or file for each kind of client, with the key filled in. */
export function ConnectClient({ apiKey }: { apiKey: string }) {
  const [client, setClient] = useState<Client>('claude');
  const url = `${location.origin}/mcp`;
  const headers = { Authorization: `Bearer ${apiKey}` };
  const block = (label: string, text: string, where: string) => (
    <div className="flex flex-col gap-2">
      <CodeBlock label={label} text={text} />
      <p className="text-sm text-muted">{where}</p>
    </div>
  );
  return (
    <Tabs
      label="Client"
      value={client}
      onValue={setClient}
      tabs={[
        {
          value: 'claude',
          label: 'Claude Code',
          content: block(
            'Command for Claude Code',
            `claude mcp add --transport http asbru ${url} --header "Authorization: Bearer ${apiKey}"`,
            'Run it in a terminal. It holds the key: treat it as a password.',
          ),
        },
        {
          value: 'json',
          label: 'Cursor and others',
          content: block(
            'mcp.json',
            write({ mcpServers: { asbru: { type: 'http', url, headers } } }),
            'For Cursor in ~/.cursor/mcp.json; most other clients read the same.',
          ),
        },
        {
          value: 'vscode',
          label: 'VS Code',
          content: block(
            '.vscode/mcp.json',
            write({ servers: { asbru: { type: 'http', url, headers } } }),
            'In .vscode/mcp.json.',
          ),
        },
        {
          value: 'stdio',
          label: 'Only stdio',
          content: block(
            'mcp.json for clients that speak only stdio',
            write({
              mcpServers: { asbru: { command: 'asbru', args: ['stdio', '--url', url], env: { ASBRU_KEY: apiKey } } },
            }),
            'For clients such as Claude Desktop that start programs. "asbru" is bin/asbru.mjs of this package.',
          ),
        },
      ]}
    />
  );
}

function write(value: unknown): string {
  return JSON.stringify(value, undefined, 2);
}
