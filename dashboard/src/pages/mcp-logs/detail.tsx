import { useQuery, useQueryClient } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useState } from 'react';
import { keys } from '../../data/keys.ts';
import { deleteMcpLogs, mcpLogQuery, type McpLog } from '../../data/mcp-logs.ts';
import { durationText, usdText } from '../../numbers.ts';
import { useSession } from '../../shell/session-context.tsx';
import { Button, IconButton } from '../../ui/button.tsx';
import { CopyButton } from '../../ui/code-block.tsx';
import { Confirm, Drawer } from '../../ui/dialog.tsx';
import { Facts } from '../../ui/facts.tsx';
import { Problem, Skeleton } from '../../ui/states.tsx';
import { Content, FaultText, momentText, StatusBadge } from '../logs/content.tsx';

interface DetailProps {
  readonly id: string;
  /** The rows on the page, to go from one to the next. */
  readonly rows: readonly McpLog[];
  readonly onSelect: (id: string | undefined) => void;
}

/** One tool call: when, who, what went in, what came out. */
export function McpLogDetail({ id, rows, onSelect }: DetailProps) {
  const { data: log, error, refetch } = useQuery(mcpLogQuery(id));
  const queries = useQueryClient();
  const { canWrite } = useSession();
  const [isDeleting, setDeleting] = useState(false);
  const index = rows.findIndex((row) => row.id === id);
  const [above, below] = [rows[index - 1], index === -1 ? undefined : rows[index + 1]];

  async function remove(): Promise<void> {
    await deleteMcpLogs([id]);
    onSelect(undefined);
    await queries.invalidateQueries({ queryKey: [...keys.mcpLogs, 'list'] });
  }

  return (
    <>
      <Drawer
        isOpen
        onClose={() => onSelect(undefined)}
        title={log?.tool_name ?? 'Tool call'}
        {...(log === undefined ? {} : { description: momentText(log.timestamp) })}
        actions={
          <>
            <IconButton icon="up" label="Row above" disabled={!above} onClick={() => onSelect(above?.id)} />
            <IconButton icon="down" label="Row below" disabled={!below} onClick={() => onSelect(below?.id)} />
            <span className="flex-1" />
            {log !== undefined && <CopyButton text={JSON.stringify(log, undefined, 2)} label="Copy as JSON" />}
            {canWrite && (
              <Button look="danger" icon="trash" onClick={() => setDeleting(true)}>
                Delete
              </Button>
            )}
          </>
        }
      >
        {error !== null && <Problem error={error} onRetry={() => void refetch()} />}
        {log === undefined ? error === null && <Skeleton /> : <Call log={log} />}
      </Drawer>
      <Confirm
        isOpen={isDeleting}
        onClose={() => setDeleting(false)}
        title={`Delete this call of "${log?.tool_name ?? id}" from the logs?`}
        text="The sums no longer count it. What was spent stays spent."
        verb="Delete"
        onConfirm={remove}
      />
    </>
  );
}

function Call({ log }: { log: McpLog }) {
  const end = log.latency === undefined ? undefined : new Date(Date.parse(log.timestamp) + log.latency);
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
          Ended: end && momentText(end.toISOString()),
          'Time taken': durationText(log.latency),
          Cost: usdText(log.cost),
          Id: <span className="font-mono text-xs">{log.id}</span>,
          'Request id': log.request_id && <span className="font-mono text-xs">{log.request_id}</span>,
          'Asked by': log.llm_request_id && <ParentLink id={log.llm_request_id} />,
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

function ParentLink({ id }: { id: string }) {
  return (
    <>
      <span className="font-mono text-xs">{id}</span>{' '}
      <Link to="/workspace/mcp-logs" search={{ llm: id, last: '30d' }} className="text-accent underline">
        its other calls
      </Link>
    </>
  );
}
