import { useQuery } from '@tanstack/react-query';
import { serversQuery } from '../data/servers.ts';
import { virtualKeysQuery } from '../data/virtual-keys.ts';
import { useSession } from '../shell/session-context.tsx';
import { Page } from '../ui/page.tsx';
import { Empty, Problem, Skeleton } from '../ui/states.tsx';
import { AddServers } from './first-minute/add-servers.tsx';
import { ConnectClient } from './first-minute/connect-client.tsx';
import { MakeKey } from './first-minute/make-key.tsx';
import { Step } from './first-minute/step.tsx';
import { TryTool } from './first-minute/try-tool.tsx';

/** From an empty gateway to a client that uses it: a server, a key, a call, the line for the client. */
export function FirstMinutePage() {
  const { canWrite } = useSession();
  const servers = useQuery(serversQuery);
  const virtualKeys = useQuery(virtualKeysQuery);
  const error = servers.error ?? virtualKeys.error;
  const problem = error !== null && (
    <Problem error={error} onRetry={() => void Promise.all([servers.refetch(), virtualKeys.refetch()])} />
  );
  if (servers.data === undefined || virtualKeys.data === undefined)
    return <Page title="First steps">{problem || <Skeleton rows={8} />}</Page>;
  if (!canWrite)
    return (
      <Page title="First steps">
        <Empty
          icon="start"
          title="You may look, not change"
          text="Adding a server and making a key wants the role editor. Ask whoever manages this gateway."
        />
      </Page>
    );
  const withTools = servers.data.filter(({ tools }) => tools.length > 0);
  const virtualKey = virtualKeys.data.find(({ is_active }) => is_active);
  const hasServer = servers.data.length > 0;
  return (
    <Page title="First steps" text="Four steps from nothing to a client that uses your tools.">
      {problem}
      <ol className="flex flex-col gap-4">
        <Step number={1} title="Add a server" isDone={hasServer} isOpen>
          <AddServers servers={servers.data} />
        </Step>
        <Step number={2} title="Make a key for your client" isDone={virtualKey !== undefined} isOpen={hasServer}>
          <MakeKey servers={servers.data} virtualKeys={virtualKeys.data} />
        </Step>
        <Step number={3} title="Try a tool" isOpen={withTools.length > 0 && virtualKey !== undefined}>
          {virtualKey !== undefined && <TryTool servers={withTools} virtualKey={virtualKey} />}
        </Step>
        <Step number={4} title="Connect your client" isOpen={virtualKey !== undefined}>
          {virtualKey !== undefined && <ConnectClient apiKey={virtualKey.value} />}
        </Step>
      </ol>
    </Page>
  );
}
