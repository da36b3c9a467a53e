import { useQuery } from '@tanstack/react-query';
import { Link, useNavigate, useSearch } from '@tanstack/react-router';
import { useState } from 'react';
import type { As } from '../data/mcp.ts';
import { offersQuery } from '../data/offers.ts';
import { serversQuery } from '../data/servers.ts';
import { virtualKeysQuery } from '../data/virtual-keys.ts';
import { useSession } from '../shell/session-context.tsx';
import { buttonClasses } from '../ui/button.tsx';
import { Combobox } from '../ui/combobox.tsx';
import { Field } from '../ui/field.tsx';
import { Fetched } from '../ui/fetched.tsx';
import { JsonEditor } from '../ui/json-editor.tsx';
import { Page } from '../ui/page.tsx';
import { Select } from '../ui/select.tsx';
import { Empty, Problem, Skeleton } from '../ui/states.tsx';
import { OFFER_KINDS, type PlaygroundSearch } from './playground-search.ts';
import { Trial } from './playground/trial.tsx';

const FROM = { from: '/_app/workspace/playground' } as const;
const WORDS = { tool: 'Tool', prompt: 'Prompt', resource: 'Resource' } as const;

/** Uses any tool, prompt or resource, as oneself or as any virtual key, just as a client would. */
export function PlaygroundPage() {
  const { person, canWrite } = useSession();
  const canBeMe = person.scopes.includes('mcp');
  const frame = {
    title: 'Playground',
    text: 'Use anything as any virtual key, just as a client would, and see every message.',
  };
  const servers = useQuery(serversQuery);
  const virtualKeys = useQuery({ ...virtualKeysQuery, enabled: canWrite });
  if (!canBeMe && !canWrite) {
    return (
      <Page {...frame}>
        <Empty
          icon="shield"
          title="Your role may only look"
          text="Calling tools needs the role admin, or editor to call as a virtual key."
        />
      </Page>
    );
  }
  const error = servers.error ?? virtualKeys.error;
  if (servers.data === undefined || (canWrite && virtualKeys.data === undefined))
    return <Page {...frame}>{error === null ? <Skeleton /> : <Problem error={error} />}</Page>;
  if (servers.data.length === 0) {
    return (
      <Page {...frame}>
        <Empty
          icon="play"
          title="Nothing to try yet"
          text="Once there is a server, its tools, prompts and resources can be tried here."
          action={
            <Link to="/workspace/start" className={buttonClasses('primary')}>
              Add a server
            </Link>
          }
        />
      </Page>
    );
  }
  const callers = [
    ...(canBeMe ? [{ value: '', label: `Myself (${person.name})`, as: 'me' as As }] : []),
    ...(virtualKeys.data ?? []).map(({ id, name, value }) => ({
      value: id,
      label: `Key ${name}`,
      as: { key: value } as As,
    })),
  ];
  return (
    <Page {...frame}>
      <Chooser callers={callers} servers={servers.data.map(({ config }) => config.name)} />
    </Page>
  );
}

interface Caller {
  readonly value: string;
  readonly label: string;
  readonly as: As;
}

function Chooser({ callers, servers }: { callers: readonly Caller[]; servers: readonly string[] }) {
  const search = useSearch(FROM);
  const navigate = useNavigate();
  const [headers, setHeaders] = useState<Record<string, string>>({});
  const { as = '', server = '', kind = 'tool', name = '' } = search;
  const known = callers.find(({ value }) => value === as) ?? (as === '' ? callers[0] : undefined);
  // A key that is gone must not become somebody who may do more: the gateway says what is wrong with it.
  const caller =
    known ?? (as === '' ? undefined : { value: as, label: 'A key that is not there', as: { key: 'gone' } });
  const set = (change: { [K in keyof PlaygroundSearch]?: PlaygroundSearch[K] | undefined }): void =>
    void navigate({ to: '.', search: { ...search, ...change } as PlaygroundSearch, replace: true });
  if (caller === undefined) {
    return <Empty icon="key" title="Nobody to be" text="Your role calls as a virtual key, and there is none yet." />;
  }
  const options = servers.toSorted().map((each) => ({ value: each, label: each }));
  return (
    <>
      <div className="grid gap-3 sm:grid-cols-2 lg:grid-cols-[1fr_1fr_10rem_2fr]">
        <Field label="As">
          <Combobox
            value={caller.value}
            options={known === undefined ? [...callers, caller] : callers}
            onValue={(value) => set({ as: value || undefined })}
          />
        </Field>
        <Field label="Server">
          <Combobox
            value={server}
            options={[{ value: '', label: 'All servers' }, ...options]}
            onValue={(value) => set({ server: value || undefined, name: undefined })}
          />
        </Field>
        <Field label="Kind">
          <Select
            value={kind}
            options={OFFER_KINDS.map((value) => ({ value, label: WORDS[value] }))}
            onValue={(value) => set({ kind: value, name: undefined })}
          />
        </Field>
        <Offers {...{ caller, server, kind, name, headers }} onName={(value) => set({ name: value || undefined })} />
      </div>
      <details className="text-sm">
        <summary className="w-fit font-medium">Headers of the request</summary>
        <div className="mt-2 max-w-xl">
          <Field
            label="Headers as JSON"
            hint='Such as {"x-bf-mcp-include-tools": "notes-search"}. They come before everything else that is sent.'
          >
            <JsonEditor value={headers} rows={3} onValue={(value) => setHeaders(asHeaders(value))} />
          </Field>
        </div>
      </details>
      <OfferTrial {...{ caller, server, kind, name, headers }} onRead={(uri) => set({ kind: 'resource', name: uri })} />
    </>
  );
}

interface OffersProps {
  readonly caller: Caller;
  readonly server: string;
  readonly kind: (typeof OFFER_KINDS)[number];
  readonly name: string;
  readonly headers: Readonly<Record<string, string>>;
}

function useOffers({ caller, server, headers }: OffersProps) {
  return useQuery(offersQuery(caller.as, caller.value, server, headers));
}

function Offers(props: OffersProps & { onName: (name: string) => void }) {
  const { kind, name, onName } = props;
  const { data } = useOffers(props);
  const offers = (data ?? []).filter((offer) => offer.kind === kind);
  const isKnown = name === '' || offers.some((offer) => offer.name === name);
  const options = offers.map((offer) => ({ value: offer.name, label: offer.name }));
  return (
    <Field label={WORDS[kind]}>
      <Combobox
        value={name}
        // A link may name what this caller does not see; trying it shows what the gateway says.
        options={isKnown ? options : [{ value: name, label: name }, ...options]}
        placeholder={data === undefined ? 'Loading …' : `Choose one of ${offers.length}`}
        onValue={onName}
      />
    </Field>
  );
}

function OfferTrial(props: OffersProps & { onRead: (uri: string) => void }) {
  const { caller, server, kind, name, headers, onRead } = props;
  return (
    <Fetched query={useOffers(props)}>
      {(data) => {
        const offers = data.filter((offer) => offer.kind === kind);
        if (name === '') return <NothingChosen {...{ caller, server, kind }} count={offers.length} />;
        const offer = offers.find((each) => each.name === name);
        const unseen = { kind, name, title: name, description: undefined, schema: {} };
        return (
          <Trial
            key={`${caller.value} ${kind} ${name}`}
            offer={offer ?? unseen}
            isSeen={offer !== undefined}
            as={caller.as}
            headers={headers}
            onRead={onRead}
          />
        );
      }}
    </Fetched>
  );
}

function NothingChosen({
  caller,
  server,
  kind,
  count,
}: Pick<OffersProps, 'caller' | 'server' | 'kind'> & { count: number }) {
  return count === 0 ? (
    <Empty
      icon="play"
      title={`No ${kind} here`}
      text={`${caller.label} sees no ${kind} of ${server === '' ? 'any server' : server}: there is none, it is not granted, or the server is not connected.`}
    />
  ) : (
    <Empty icon="play" title={`Choose a ${kind}`} text={`${count} can be tried.`} />
  );
}

function asHeaders(value: unknown): Record<string, string> {
  if (typeof value !== 'object' || value === null) return {};
  return Object.fromEntries(Object.entries(value).map(([name, text]) => [name.toLowerCase(), String(text)]));
}
