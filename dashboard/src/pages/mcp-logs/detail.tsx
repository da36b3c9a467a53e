import { useQuery, useQueryClient } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { keys } from '../../data/keys.ts';
import { deleteMcpLogs, mcpLogQuery, type McpLog } from '../../data/mcp-logs.ts';
import { durationText, usdText } from '../../numbers.ts';
import { Facts } from '../../ui/facts.tsx';
import { Content, FaultText, momentText, StatusBadge } from '../logs/content.tsx';
import { endOf, LogDrawer, type DetailProps } from '../logs/log-drawer.tsx';

/** One tool call: when, who, what went in, what came out. */
export function McpLogDetail(props: DetailProps<McpLog>) {
  const { id } = props;
  const query = useQuery(mcpLogQuery(id));
  const queries = useQueryClient();
  return (
    <LogDrawer
      {...props}
      query={query}
      title={(log) => log?.tool_name ?? 'Tool call'}
      wordOf={(log) => `this call of "${log?.tool_name ?? id}"`}
      onDelete={async () => {
        await deleteMcpLogs([id]);
        await queries.invalidateQueries({ queryKey: [...keys.mcpLogs, 'list'] });
      }}
    >
      {(log) => <Call log={log} />}
    </LogDrawer>
  );
}

function Call({ log }: { log: McpLog }) {
  const traceId = log.metadata?.['trace_id'];
  return (
    <div className="flex flex-col gap-5">
      {log.error_details !== undefined && <FaultText fault={log.error_details} />}
      <Facts
        facts={{
          Status: <StatusBadge status={log.status} />,
          Server: log.server_label,
          Key: log.virtual_key_name,
          Team: log.team_name,
          Customer: log.customer_name,
          Caller: log.principal,
          'Came by': log.source,
          Client: log.app ?? log.user_agent,
          Began: momentText(log.timestamp),
          Ended: endOf(log),
          'Time taken': durationText(log.latency),
          Cost: usdText(log.cost),
          Id: <span className="font-mono text-xs">{log.id}</span>,
          'Request id': log.request_id && <span className="font-mono text-xs">{log.request_id}</span>,
          'Trace id': typeof traceId === 'string' && <span className="font-mono text-xs">{traceId}</span>,
          'Asked by': log.llm_request_id && <ParentLink log={log} id={log.llm_request_id} />,
        }}
      />
      <Content
        title="Arguments"
        value={log.arguments}
        isCut={log.arguments_truncated}
        absent="Not kept: content logging is off, or there were none."
      />
      <Content
        title="Result"
        value={log.result}
        isCut={log.result_truncated}
        absent={log.status === 'processing' ? 'Still running.' : 'Not kept, or there was none.'}
      />
      {log.metadata !== undefined && <Content title="Metadata" value={log.metadata} absent="None." />}
    </div>
  );
}

/** What made the call. Only an agent is a request to a model; code has no row of its own there. */
function ParentLink({ log: { source }, id }: { log: McpLog; id: string }) {
  return (
    <>
      <span className="font-mono text-xs">{id}</span>{' '}
      {source === 'agent' && (
        <>
          <Link to="/workspace/logs" search={{ selected: id, last: '30d' }} className="text-accent underline">
            the request
          </Link>
          {', '}
        </>
      )}
      <Link to="/workspace/mcp-logs" search={{ llm: id, last: '30d' }} className="text-accent underline">
        its other calls
      </Link>
    </>
  );
}
