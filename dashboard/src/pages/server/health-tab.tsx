import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import type { HealthPeriod, McpClientView } from '../../../../src/contract/mcp-client.ts';
import { auditQuery } from '../../data/audit.ts';
import { healthQuery } from '../../data/health.ts';
import { durationText } from '../../numbers.ts';
import { Fetched } from '../../ui/fetched.tsx';
import { Section } from '../../ui/page.tsx';
import { Table } from '../../ui/table.tsx';
import { AUDIT_COLUMNS } from '../audit/columns.tsx';
import { AuditDetail } from '../audit/entry.tsx';
import { momentText } from '../logs/content.tsx';
import { StateWord, timeText } from '../server-words.tsx';

const CHANGES = { limit: 50, offset: 0 } as const;
const COLUMNS = [AUDIT_COLUMNS.at, AUDIT_COLUMNS.actor, AUDIT_COLUMNS.action];

/** Where a server stood, and what was changed about it: the one often explains the other. */
export function HealthTab({ server: { config } }: { server: McpClientView }) {
  const health = useQuery(healthQuery(config.client_id));
  const changes = useQuery(auditQuery({ entity: 'mcp_client', entity_id: config.client_id }, CHANGES));
  const [opened, setOpened] = useState<string>();
  return (
    <div className="grid grid-cols-[minmax(0,1fr)] items-start gap-4 lg:grid-cols-2">
      <Section
        title="Health"
        {...(health.data && {
          text: `Since ${momentText(health.data.kept_since)}, as the process that answered saw it. It keeps this in memory.`,
        })}
      >
        <Fetched query={health}>
          {({ history }) => (
            <ol aria-label="States" className="flex flex-col divide-y">
              {history.map((period) => (
                <Period key={period.since} period={period} />
              ))}
            </ol>
          )}
        </Fetched>
      </Section>
      <Section title="Changes" text="The last fifty. One that changed settings can be undone.">
        <Fetched query={changes}>
          {({ audit_logs }) =>
            audit_logs.length === 0 ? (
              <p className="text-sm text-muted">Nobody has changed it.</p>
            ) : (
              <Table
                label="Changes"
                rows={audit_logs}
                columns={COLUMNS}
                rowKey={({ id }) => String(id)}
                onOpen={({ id }) => setOpened(String(id))}
                rowHeight={38}
              />
            )
          }
        </Fetched>
      </Section>
      {opened !== undefined && <AuditDetail id={opened} onClose={() => setOpened(undefined)} />}
    </div>
  );
}

function Period({ period: { state, since, until, failure } }: { period: HealthPeriod }) {
  const lasted = (until === undefined ? Date.now() : Date.parse(until)) - Date.parse(since);
  return (
    <li className="flex flex-col gap-1 py-2 text-sm first:pt-0 last:pb-0">
      <div className="flex flex-wrap items-center gap-x-3 gap-y-1">
        <StateWord state={state} />
        <time dateTime={since} className="min-w-0 flex-1 tabular-nums">
          {momentText(since)}
        </time>
        <span className="text-muted tabular-nums">
          {until === undefined ? 'until now, ' : ''}
          {durationText(Math.max(0, lasted))}
        </span>
      </div>
      {failure !== undefined && (
        <p className="text-muted break-words">
          {failure.message} <span className="whitespace-nowrap">({failure.stage.replaceAll('_', ' ')}</span>
          {failure.times > 1 ? `, ${failure.times} times, last ${timeText(failure.at)})` : ')'}
        </p>
      )}
    </li>
  );
}
