import { useState } from 'react';
import type { McpClientView } from '../../../../src/contract/mcp-client.ts';
import { callTool, type ToolResult } from '../../data/call-tool.ts';
import type { VirtualKey } from '../../data/virtual-keys.ts';
import { exampleOf } from '../../example-arguments.ts';
import { Badge } from '../../ui/badge.tsx';
import { Button } from '../../ui/button.tsx';
import { CodeBlock } from '../../ui/code-block.tsx';
import { Combobox } from '../../ui/combobox.tsx';
import { Field } from '../../ui/field.tsx';
import { JsonEditor } from '../../ui/json-editor.tsx';
import { Problem } from '../../ui/states.tsx';

type Outcome =
  | { readonly kind: 'result'; readonly result: ToolResult; readonly ms: number }
  | { readonly kind: 'error'; readonly error: unknown };

/** Calls a tool just as the client will: through /mcp, with the key. */
export function TryTool({ servers, virtualKey }: { servers: readonly McpClientView[]; virtualKey: VirtualKey }) {
  const options = servers.flatMap((server) =>
    toolsFor(server, virtualKey).map((tool) => {
      const name = `${server.config.name}-${tool.name}`;
      return { value: name, label: name, tool };
    }),
  );
  const [picked, setPicked] = useState('');
  // What needs no arguments is the quickest to try.
  const simplest = options.find(({ tool }) => Object.keys(exampleOf(tool.parameters)).length === 0) ?? options[0];
  const option = options.find(({ value }) => value === picked) ?? simplest;
  if (option === undefined) {
    return <p className="text-muted">The key {virtualKey.name} is granted no tool of a server that is on.</p>;
  }
  return (
    <div className="flex flex-col gap-4">
      <div className="max-w-lg">
        <Field label="Tool" hint={option.tool.description?.split('\n')[0]}>
          <Combobox value={option.value} options={options} onValue={(value) => value !== '' && setPicked(value)} />
        </Field>
      </div>
      <Call
        key={option.value}
        name={option.value}
        parameters={option.tool.parameters}
        apiKey={virtualKey.value}
        // From here on it is this one, whatever tools come and go.
        onUse={() => setPicked(option.value)}
      />
    </div>
  );
}

/** What the key may call, as far as this page knows: the gateway has the last word. */
function toolsFor({ config, tools }: McpClientView, { mcp_configs }: VirtualKey): McpClientView['tools'] {
  if (config.disabled) return [];
  const granted =
    mcp_configs.find(({ mcp_client_name }) => mcp_client_name === config.name)?.tools_to_execute ??
    (config.allow_on_all_virtual_keys ? ['*'] : []);
  const isIn = (list: readonly string[], name: string): boolean => list.includes('*') || list.includes(name);
  return tools.filter(({ name }) => isIn(granted, name) && isIn(config.tools_to_execute, name));
}

interface CallProps {
  readonly name: string;
  readonly parameters: Readonly<Record<string, unknown>>;
  readonly apiKey: string;
  /** Somebody types arguments, or calls it. */
  readonly onUse: () => void;
}

function Call({ name, parameters, apiKey, onUse }: CallProps) {
  const [args, setArgs] = useState<unknown>(() => exampleOf(parameters));
  const [isValid, setValid] = useState(true);
  const [isRunning, setRunning] = useState(false);
  const [outcome, setOutcome] = useState<Outcome>();

  function change(next: unknown): void {
    onUse();
    setArgs(next);
  }

  async function run(): Promise<void> {
    onUse();
    setRunning(true);
    const start = performance.now();
    try {
      const result = await callTool(apiKey, name, (args ?? {}) as Record<string, unknown>); // the editor holds JSON
      setOutcome({ kind: 'result', result, ms: Math.round(performance.now() - start) });
    } catch (error) {
      setOutcome({ kind: 'error', error });
    }
    setRunning(false);
  }

  return (
    <>
      <Field label="Arguments as JSON">
        <JsonEditor value={args} onValue={change} onValid={setValid} rows={4} />
      </Field>
      <div>
        <Button look="primary" icon="play" isBusy={isRunning} disabled={!isValid} onClick={() => void run()}>
          Call the tool
        </Button>
      </div>
      <div aria-live="polite">
        {outcome?.kind === 'error' && <Problem error={outcome.error} />}
        {outcome?.kind === 'result' && <Result {...outcome} />}
      </div>
    </>
  );
}

function Result({ result, ms }: { result: ToolResult; ms: number }) {
  const texts = (result.content ?? []).map((part) => part.text ?? JSON.stringify(part, undefined, 2));
  return (
    <div className="flex flex-col gap-2">
      <p className="flex items-center gap-2 text-sm text-muted">
        {result.isError === true ? <Badge tone="bad">error of the tool</Badge> : <Badge tone="good">it works</Badge>}
        {ms} ms
      </p>
      <CodeBlock label="Result" text={texts.join('\n') || JSON.stringify(result, undefined, 2)} />
    </div>
  );
}
