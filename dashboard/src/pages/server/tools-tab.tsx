import { Link } from '@tanstack/react-router';
import { useState } from 'react';
import type { McpClientView } from '../../../../src/contract/mcp-client.ts';
import { Badge } from '../../ui/badge.tsx';
import { Button, buttonClasses } from '../../ui/button.tsx';
import { CodeBlock } from '../../ui/code-block.tsx';
import { Drawer } from '../../ui/dialog.tsx';
import { Field, Input } from '../../ui/field.tsx';
import { Icon } from '../../ui/icon.tsx';
import { JsonEditor } from '../../ui/json-editor.tsx';
import { Select } from '../../ui/select.tsx';
import { Empty } from '../../ui/states.tsx';
import { Switch } from '../../ui/switch.tsx';
import { Table, type Column } from '../../ui/table.tsx';
import type { ServerDraft, TabProps } from './draft.ts';
import { setListed } from './white-list.ts';

type Tool = McpClientView['tools'][number];
type ListField = 'tools_to_execute' | 'tools_to_auto_execute' | 'tools_to_approve';

const LISTS: readonly { readonly field: ListField; readonly title: string; readonly label: string }[] = [
  { field: 'tools_to_execute', title: 'Allowed', label: 'may be called' },
  { field: 'tools_to_auto_execute', title: 'Auto-run', label: 'runs without approval' },
  { field: 'tools_to_approve', title: 'Approval', label: 'waits for approval' },
];

/** The tools of a server: which may be called, which run by themselves, which wait for a person, what they cost. */
export function ToolsTab(props: TabProps) {
  const { server, form } = props;
  const [search, setSearch] = useState('');
  const [opened, setOpened] = useState<Tool>();
  const columns = columnsOf(props);
  const shown = server.tools.filter(({ name, description = '' }) =>
    `${name} ${description}`.toLowerCase().includes(search.toLowerCase()),
  );
  if (server.tools.length === 0) {
    return (
      <Empty
        icon="server"
        title="No tools known"
        text="They show here as soon as the server has connected and listed them. Its state above says what is in the way."
      />
    );
  }
  return (
    <div className="flex flex-col gap-3">
      <div className="flex flex-wrap items-center gap-3">
        <div className="min-w-48 flex-1">
          <Input type="search" aria-label="Search tools" placeholder="Search tools" value={search} onText={setSearch} />
        </div>
        {LISTS.map((list) => (
          <All key={list.field} {...props} {...list} />
        ))}
      </div>
      {[...LISTS.map(({ field }) => field), 'tool_pricing'].map((field) => {
        const fault = form.errorAt(field);
        return fault === undefined ? null : (
          <p key={field} role="alert" className="text-sm text-bad">
            {field}: {fault}
          </p>
        );
      })}
      <Table label="Tools" rows={shown} columns={columns} rowKey={({ name }) => name} onOpen={setOpened} />
      <ApprovalBy {...props} />
      <ToolDrawer {...props} tool={opened} onClose={() => setOpened(undefined)} />
    </div>
  );
}

function All({ form, isDisabled, field, title }: TabProps & (typeof LISTS)[number]) {
  const isAll = form.draft[field].includes('*');
  return (
    <Button
      disabled={isDisabled}
      aria-pressed={isAll}
      look={isAll ? 'primary' : 'secondary'}
      onClick={() => form.set(field, isAll ? [] : ['*'])}
    >
      {title}: {isAll ? 'all' : form.draft[field].length}
    </Button>
  );
}

interface ListSwitchProps extends TabProps {
  readonly field: ListField;
  readonly name: string;
  readonly label: string;
  readonly showsLabel: boolean;
}

/** Puts a tool on one of the lists, or takes it off. */
function ListSwitch({ server, form, isDisabled, field, name, label, showsLabel }: ListSwitchProps) {
  const { draft, set } = form;
  function put(isOn: boolean): void {
    const names = server.tools.map((tool) => tool.name);
    set(field, setListed(draft[field], names, name, isOn));
    // What may not be called cannot run by itself: the gateway would refuse the two together.
    if (field === 'tools_to_execute' && !isOn && isListed(draft, 'tools_to_auto_execute', name))
      set('tools_to_auto_execute', setListed(draft.tools_to_auto_execute, names, name, false));
  }
  return (
    <Switch
      label={label}
      showsLabel={showsLabel}
      isOn={isListed(draft, field, name)}
      disabled={isDisabled || (field !== 'tools_to_execute' && !isListed(draft, 'tools_to_execute', name))}
      onSwitch={put}
    />
  );
}

function columnsOf(props: TabProps): Column<Tool>[] {
  const { form } = props;
  return [
    {
      id: 'name',
      title: 'Tool',
      sortBy: ({ name }) => name,
      cell: ({ name, description }) => (
        <span className="flex min-w-0 items-baseline gap-2">
          <span className="shrink-0 font-mono">{name}</span>
          <span className="truncate text-muted max-md:hidden">{description}</span>
        </span>
      ),
    },
    ...LISTS.map(({ field, title, label }): Column<Tool> => ({
      id: field,
      title,
      width: 'w-20',
      ...(field === 'tools_to_execute' ? {} : { from: 'md' as const }),
      cell: ({ name }) => (
        <span onClick={(event) => event.stopPropagation()} role="presentation">
          <ListSwitch {...props} field={field} name={name} label={`${name} ${label}`} showsLabel={false} />
        </span>
      ),
    })),
    {
      id: 'price',
      title: 'USD',
      width: 'w-24',
      align: 'right',
      from: 'md',
      cell: ({ name }) => {
        const price = form.draft.tool_pricing[name];
        return typeof price === 'object' ? <Badge>by size</Badge> : (price ?? '–');
      },
    },
  ];
}

function isListed(draft: ServerDraft, field: ListField, name: string): boolean {
  return draft[field].includes('*') || draft[field].includes(name);
}

function ApprovalBy({ form, isDisabled }: TabProps) {
  if (form.draft.tools_to_approve.length === 0) return null;
  return (
    <div className="max-w-sm">
      <Field label="Who approves" error={form.errorAt('approval_by')}>
        <Select
          value={form.draft.approval_by}
          disabled={isDisabled}
          options={[
            { value: 'manager', label: 'Somebody who manages the gateway' },
            { value: 'caller', label: 'Also the user of the calling client' },
          ]}
          onValue={(value) => form.set('approval_by', value)}
        />
      </Field>
    </div>
  );
}

interface DrawerProps extends TabProps {
  readonly tool: Tool | undefined;
  readonly onClose: () => void;
}

function ToolDrawer({ tool, onClose, ...props }: DrawerProps) {
  if (tool === undefined) return null;
  const { server, form, isDisabled } = props;
  const { name, description, parameters } = tool;
  const { tool_pricing } = form.draft;
  function setPrice(price: unknown): void {
    const { [name]: _former, ...others } = tool_pricing;
    form.set('tool_pricing', price === undefined ? others : { ...others, [name]: price as number });
  }
  return (
    <Drawer isOpen onClose={onClose} title={name}>
      <div className="flex flex-col gap-4">
        <div>
          <Link
            to="/workspace/playground"
            search={{ server: server.config.name, name: `${server.config.name}-${name}` }}
            className={buttonClasses()}
          >
            <Icon name="play" /> Try it
          </Link>
        </div>
        <p className="whitespace-pre-wrap">{description ?? 'The server says nothing about it.'}</p>
        <div className="flex flex-wrap gap-x-6 gap-y-2">
          {LISTS.map(({ field, label }) => (
            <ListSwitch
              key={field}
              {...props}
              field={field}
              name={name}
              label={`${label.charAt(0).toUpperCase()}${label.slice(1)}`}
              showsLabel
            />
          ))}
        </div>
        <Field
          label="Price per successful call in USD"
          hint='A number, or a price by arguments and size: {"base": 0.01, "per_result_kb": 0.001}. Empty: free.'
          error={form.errorAt(`tool_pricing.${name}`)}
        >
          <JsonEditor value={tool_pricing[name]} rows={3} disabled={isDisabled} onValue={setPrice} />
        </Field>
        <div>
          <h3 className="mb-1 text-sm font-medium">Schema of the arguments</h3>
          <CodeBlock label={`Schema of ${name}`} text={JSON.stringify(parameters, undefined, 2)} />
        </div>
      </div>
    </Drawer>
  );
}
