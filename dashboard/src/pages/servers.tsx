import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { Link, useNavigate, useSearch } from '@tanstack/react-router';
import type { McpClientView } from '../../../src/contract/mcp-client.ts';
import { keys } from '../data/keys.ts';
import { serversQuery, updateServer } from '../data/servers.ts';
import { useSession } from '../shell/session-context.tsx';
import { Badge } from '../ui/badge.tsx';
import { Button, buttonClasses } from '../ui/button.tsx';
import { FindText, PickOne } from '../ui/filters.tsx';
import { Icon } from '../ui/icon.tsx';
import { Page } from '../ui/page.tsx';
import { parseSort, writeSort } from '../ui/sort.ts';
import { Empty, Problem, Skeleton } from '../ui/states.tsx';
import { Switch } from '../ui/switch.tsx';
import { Table, type Column } from '../ui/table.tsx';
import { useToast } from '../ui/toast.tsx';
import { filterServers, type ServerFilter } from './server-search.ts';
import { AUTH_WORDS, countAllowed, STATE_WORDS, StateBadge, timeText, TYPE_WORDS } from './server-words.tsx';

const FROM = { from: '/_app/workspace/mcp-registry' } as const;

/** All registered servers: where each stands, and switching it on and off. */
export function ServersPage() {
  const { data: servers, error, refetch } = useQuery(serversQuery);
  const filter = useSearch(FROM);
  const navigate = useNavigate();
  const { canWrite } = useSession();
  const columns = useColumns(canWrite);
  const setFilter = (change: Partial<Record<keyof ServerFilter, string | undefined>>): void =>
    void navigate({ to: '.', search: { ...filter, ...change } as ServerFilter, replace: true });

  const shown = filterServers(servers ?? [], filter);
  return (
    <Page
      title="MCP servers"
      text="What your clients reach through this gateway."
      actions={
        canWrite && (
          <Link to="/workspace/start" className={buttonClasses('primary')}>
            <Icon name="plus" /> Add a server
          </Link>
        )
      }
    >
      {error !== null && <Problem error={error} onRetry={() => void refetch()} />}
      {servers === undefined && error === null && <Skeleton />}
      {servers?.length === 0 && <NoServers canWrite={canWrite} />}
      {servers !== undefined && servers.length > 0 && (
        <>
          <Facets servers={servers} filter={filter} onFilter={setFilter} count={shown.length} />
          {shown.length === 0 ? (
            <Empty
              icon="search"
              title="No server matches"
              text="Try fewer words, or look at all of them."
              action={<Button onClick={() => void navigate({ to: '.', search: {} })}>Clear the filters</Button>}
            />
          ) : (
            <Table
              label="MCP servers"
              rows={shown}
              columns={columns}
              rowKey={({ config }) => config.client_id}
              onOpen={({ config }) =>
                void navigate({ to: '/workspace/mcp-registry/$id', params: { id: config.client_id } })
              }
              sort={parseSort(filter.sort)}
              onSort={(sort) => setFilter({ sort: writeSort(sort) })}
            />
          )}
        </>
      )}
    </Page>
  );
}

function NoServers({ canWrite }: { canWrite: boolean }) {
  return (
    <Empty
      icon="server"
      title="No server yet"
      text="Add the first MCP server: paste its URL, its command, or the configuration of the client that uses it today."
      action={
        canWrite && (
          <Link to="/workspace/start" className={buttonClasses('primary')}>
            Add a server
          </Link>
        )
      }
    />
  );
}

interface FacetsProps {
  readonly servers: readonly McpClientView[];
  readonly filter: ServerFilter;
  readonly onFilter: (change: Partial<Record<keyof ServerFilter, string | undefined>>) => void;
  readonly count: number;
}

function Facets({ servers, filter, onFilter, count }: FacetsProps) {
  return (
    <div className="flex flex-wrap items-center gap-2" role="search">
      <FindText label="Search servers and tools" value={filter.q} onValue={(q) => onFilter({ q })} />
      <PickOne
        label="State"
        value={filter.state}
        options={wordOptions(STATE_WORDS)}
        onValue={(state) => onFilter({ state })}
      />
      <PickOne
        label="Type"
        value={filter.type}
        options={wordOptions(TYPE_WORDS)}
        onValue={(type) => onFilter({ type })}
      />
      <PickOne
        label="Sign-in"
        value={filter.auth}
        options={wordOptions(AUTH_WORDS)}
        onValue={(auth) => onFilter({ auth })}
      />
      <p className="w-20 text-right max-sm:w-full text-sm text-muted tabular-nums" aria-live="polite">
        {count} of {servers.length}
      </p>
    </div>
  );
}

function wordOptions(words: Readonly<Record<string, string>>) {
  return Object.entries(words).map(([value, label]) => ({ value, label }));
}

function columnsOf(
  onSwitch: (server: McpClientView, isOn: boolean) => void,
  canWrite: boolean,
): Column<McpClientView>[] {
  return [
    {
      id: 'name',
      title: 'Name',
      sortBy: ({ config }) => config.name,
      cell: ({ config }) => (
        <Link
          to="/workspace/mcp-registry/$id"
          params={{ id: config.client_id }}
          className="font-medium hover:underline"
        >
          {config.name}
        </Link>
      ),
    },
    {
      id: 'state',
      title: 'State',
      width: 'w-32 lg:w-72',
      sortBy: ({ state }) => STATE_WORDS[state],
      cell: (server) => <StateCell server={server} />,
    },
    {
      id: 'type',
      title: 'Type',
      from: 'md',
      width: 'w-28',
      sortBy: ({ config }) => TYPE_WORDS[config.connection_type],
      cell: ({ config }) => TYPE_WORDS[config.connection_type],
    },
    {
      id: 'auth',
      title: 'Sign-in',
      from: 'lg',
      width: 'w-36',
      sortBy: ({ config }) => AUTH_WORDS[config.auth_type],
      cell: ({ config }) => AUTH_WORDS[config.auth_type],
    },
    {
      id: 'access',
      title: 'Keys',
      from: 'lg',
      width: 'w-24',
      cell: ({ config, vk_configs }) =>
        config.allow_on_all_virtual_keys ? <Badge tone="accent">all</Badge> : vk_configs.length,
    },
    {
      id: 'tools',
      title: 'Tools',
      from: 'md',
      width: 'w-24',
      align: 'right',
      sortBy: ({ tools }) => tools.length,
      cell: ({ config, tools }) => (
        <span className="tabular-nums" title="allowed of all">
          {countAllowed(config.tools_to_execute, tools)}/{tools.length}
        </span>
      ),
    },
    {
      id: 'on',
      title: 'On',
      width: 'w-16',
      cell: (server) => (
        // The row opens the server; its switch must not.
        <span onClick={(event) => event.stopPropagation()} role="presentation">
          <Switch
            isOn={!server.config.disabled}
            disabled={!canWrite}
            label={`${server.config.name} is on`}
            showsLabel={false}
            onSwitch={(isOn) => onSwitch(server, isOn)}
          />
        </span>
      ),
    },
  ];
}

/** The reason stands beside the state where there is room, and in its tooltip where there is not. */
function StateCell({ server }: { server: McpClientView }) {
  const { last_failure: failure, state } = server;
  return (
    <span className="flex items-center gap-2">
      <StateBadge server={server} />
      {failure !== undefined && state !== 'connected' && state !== 'disabled' && (
        <span className="truncate text-xs text-muted max-lg:hidden">
          {timeText(failure.since)}: {failure.message}
        </span>
      )}
    </span>
  );
}

function useColumns(canWrite: boolean): readonly Column<McpClientView>[] {
  const queries = useQueryClient();
  const toast = useToast();
  const { mutate } = useMutation({
    mutationFn: ({ server, isOn }: { server: McpClientView; isOn: boolean }) =>
      updateServer(server.config.client_id, { disabled: !isOn }),
    onSuccess: (_, { server, isOn }) => toast.done(`${server.config.name} is ${isOn ? 'on' : 'off'}.`),
    onError: toast.failed,
    onSettled: () => queries.invalidateQueries({ queryKey: keys.servers }),
  });
  return columnsOf((server, isOn) => mutate({ server, isOn }), canWrite);
}
