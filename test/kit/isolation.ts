import { expect } from 'vitest';
import type { GatewayOptions } from '../../src/app.ts';
import type { McpAuthRequired } from '../../src/contract/mcp-session.ts';
import { startGateway, type GatewayAccess, type TestGateway } from './gateway.ts';
import { createKey } from './keys.ts';
import { allowLinks, listSessions } from './personal.ts';
import type { Upstream } from './upstream.ts';
import { openSession, postMcp, type LegacySession } from './wire.ts';

/** How callers come by credentials, and how a server tells which one a call came with. */
export interface CredentialKind {
  /** Starts a server that lets in who shows a secret of `known`. */
  start(known: ReadonlySet<string>): Promise<Upstream>;
  /** Registers it, open to all keys, and gives its id. */
  register(gateway: GatewayAccess, name: string, url: string): Promise<string>;
  /** Whether who enters a credential names the account; else it is the one of the call, and uses up all links for that. */
  readonly picksLabel: boolean;
  /** Does what a refused call asks for, with this secret; gives the HTTP status of the last step. */
  enter(gateway: GatewayAccess, required: McpAuthRequired, secret: string, label: string | undefined): Promise<number>;
  /** The secret that a request to the server carried. */
  secretIn(headers: Readonly<Record<string, string>>): string;
  /** What else must never be shown. */
  tokensOf?(): readonly string[];
  /** Headers by which a caller might try to pass for another. */
  forge(secret: string): Record<string, string>;
  /** Changes the server so that everybody is asked anew; gives the HTTP status. */
  demandAll(gateway: GatewayAccess, id: string, round: number): Promise<number>;
  /** Ends what the servers share. */
  stop?(): Promise<void>;
}

/** One step of a random history. Numbers pick among what there is at that moment. */
export type Step =
  | { readonly do: 'call'; readonly calls: readonly Call[] }
  | {
      readonly do: 'everybody';
      readonly server: number;
      readonly label: number;
      readonly isOnMcp: boolean;
      readonly forged: number;
    }
  | { readonly do: 'enter'; readonly flow: number; readonly link: number; readonly label: number | undefined }
  | { readonly do: 'revoke'; readonly row: number }
  | { readonly do: 'expire'; readonly secret: number }
  | { readonly do: 'grant'; readonly server: number; readonly isOpen: boolean; readonly keys: readonly number[] }
  | { readonly do: 'demand'; readonly server: number }
  | { readonly do: 'drop key'; readonly key: number };

/** A call of one holder; those of one step run at the same time. */
export interface Call {
  readonly holder: number;
  readonly server: number;
  readonly label: number;
  readonly isOnMcp: boolean;
  /** Whose secret or session id it tries to slip in. */
  readonly forged: number;
}

interface Held {
  readonly holder: Holder;
  readonly server: number;
  readonly label: string;
  readonly secret: string;
  isActive: boolean;
}

interface Flow {
  readonly required: McpAuthRequired;
  readonly holder: Holder;
  readonly server: number;
  readonly label: string;
  isOpen: boolean;
}

interface Holder {
  readonly mode: 'user' | 'vk' | 'session';
  readonly id: string;
  readonly headers: Record<string, string>;
  session: LegacySession | undefined;
  isGone: boolean;
}

export const LABELS = ['', 'work'];
const SERVERS = ['c1', 'c2'];

/** A gateway with two servers and callers of every kind, beside a model of who has which credential. */
export class IsolationWorld implements AsyncDisposable {
  readonly #kind: CredentialKind;
  readonly #gateway: TestGateway;
  readonly #servers: { id: string; upstream: Upstream; known: Set<string>; isOpen: boolean; granted: Set<string> }[] =
    [];
  readonly #holders: Holder[] = [];
  readonly #flows: Flow[] = [];
  readonly #secrets: string[] = [];
  #held: Held[] = [];
  #count = 0;
  /** How many calls ran with a credential, and how many were refused for want of one. */
  readonly tally = { ran: 0, asked: 0, denied: 0, entered: 0 };

  private constructor(kind: CredentialKind, gateway: TestGateway) {
    this.#kind = kind;
    this.#gateway = gateway;
  }

  static async open(kind: CredentialKind, options: GatewayOptions): Promise<IsolationWorld> {
    const gateway = await startGateway(options);
    await allowLinks(gateway, { enforce_auth_on_inference: false });
    const world = new IsolationWorld(kind, gateway);
    for (const name of SERVERS) {
      const known = new Set<string>(['of-the-admin']);
      const upstream = await kind.start(known);
      const id = await kind.register(gateway, name, upstream.url);
      world.#servers.push({ id, upstream, known, isOpen: true, granted: new Set() });
    }
    const [first, second] = [await createKey(gateway, 'k0'), await createKey(gateway, 'k1')];
    world.#hold('vk', first.id, { authorization: `Bearer ${first.value}` });
    // Its Authorization is free for what belongs to somebody else.
    world.#hold('vk', second.id, { authorization: '', 'x-bf-vk': second.value });
    world.#hold('user', 'api-key:1', { authorization: `Bearer ${gateway.apiKey}` });
    const session = 'session-of-whoever-has-no-key';
    world.#hold('session', session, { authorization: '', 'x-bf-mcp-session-id': session });
    return world;
  }

  #hold(mode: Holder['mode'], id: string, headers: Record<string, string>): void {
    this.#holders.push({ mode, id, headers, session: undefined, isGone: false });
  }

  async run(step: Step): Promise<void> {
    switch (step.do) {
      case 'call':
        return this.#callAll(step.calls);
      case 'everybody':
        return this.#callAll(this.#holders.map((_, holder) => ({ ...step, holder })));
      case 'enter':
        return this.#enter(step.flow, step.link, step.label);
      case 'revoke':
        return this.#revoke(step.row);
      case 'expire':
        // The servers forget the secret; the gateway learns it from the next call.
        for (const { known } of this.#servers) known.delete(pick(this.#secrets, step.secret) ?? '');
        return;
      case 'grant':
        return this.#grant(step.server, step.isOpen, step.keys);
      case 'demand':
        return this.#demand(step.server);
      case 'drop key':
        return this.#dropKey(step.key);
    }
  }

  /** What the gateway lists is what the model knows, and shows no secret. */
  async check(): Promise<void> {
    const rows = await listSessions(this.#gateway, 'limit=500');
    this.#expectNothingShown(JSON.stringify([rows, await this.#gateway.listClients()]));
    const listed = rows
      .filter(({ kind }) => kind !== 'flow')
      .map(({ auth_mode, user_id, virtual_key, mcp_client, label, status }) => {
        const who = auth_mode === 'session' ? '' : (user_id ?? virtual_key?.id ?? '');
        return `${auth_mode} ${who} ${mcp_client.name} ${label} ${status}`;
      });
    const expected = this.#held.map(({ holder, server, label, isActive }) => {
      const status = this.#isDenied(holder, server) ? 'orphaned' : isActive ? 'active' : 'asked anew';
      return `${holder.mode} ${holder.mode === 'session' ? '' : holder.id} ${SERVERS[server]} ${label} ${status}`;
    });
    const words = (line: string) => line.replace(/needs_update|needs_reauth/, 'asked anew');
    expect(listed.map(words).toSorted()).toEqual(expected.toSorted());
  }

  /** No secret, be it the caller's own: an answer may be kept, and read by others. */
  #expectNothingShown(text: string): void {
    for (const secret of [...this.#secrets, ...(this.#kind.tokensOf?.() ?? [])])
      if (text.includes(secret)) throw new Error(`${secret} is shown in ${text}`);
  }

  /** All at the same time, each on its own way; what each comes to is known before. */
  async #callAll(calls: readonly Call[]): Promise<void> {
    // Two calls with a secret that the server has forgotten race for being told so; both are.
    await Promise.all(calls.map((call) => this.#call(call)));
  }

  async #call({ holder: index, server: at, label: labelAt, isOnMcp, forged }: Call): Promise<void> {
    const holder = pick(this.#holders, index);
    const server = this.#servers[at % SERVERS.length];
    const label = LABELS[labelAt % LABELS.length] ?? '';
    if (holder === undefined || server === undefined) return;
    const serverIndex = at % SERVERS.length;
    const expected = this.#expect(holder, serverIndex, label);
    const nonce = `call-${(this.#count += 1)}`;
    const { status, required, text } = await this.#send({
      holder,
      name: SERVERS[serverIndex] ?? '',
      label,
      nonce,
      isOnMcp,
      forged,
    });
    this.#expectNothingShown(text);
    const ran = this.#servers.flatMap(({ upstream }, where) =>
      upstream.host.calls
        .filter((call) => call.arguments['text'] === nonce)
        .map((call) => ({ where, secret: this.#kind.secretIn(call.headers) })),
    );
    if (expected.is === 'denied') {
      expect([401, 403]).toContain(status);
      expect(required).toBeUndefined();
      expect(ran).toEqual([]);
      this.tally.denied += 1;
    } else if (expected.is === 'served' && server.known.has(expected.held.secret)) {
      expect(ran).toEqual([{ where: serverIndex, secret: expected.held.secret }]);
      this.tally.ran += 1;
    } else {
      if (expected.is === 'served') expected.held.isActive = false;
      expect(ran).toEqual([]);
      expect(required?.mcp_client_name, text).toBe(SERVERS[serverIndex]);
      this.tally.asked += 1;
      if (required !== undefined) this.#note(required, holder, serverIndex, label);
    }
  }

  #note(required: McpAuthRequired, holder: Holder, server: number, label: string): void {
    const same = this.#flows.find((flow) => flow.required.session_id === required.session_id);
    // One form for one holder: a link that somebody else has is not handed out again.
    if (same !== undefined) expect([same.holder.id, same.server, same.label]).toEqual([holder.id, server, label]);
    else this.#flows.push({ required, holder, server, label, isOpen: true });
  }

  #expect(holder: Holder, server: number, label: string): { is: 'denied' | 'asked' } | { is: 'served'; held: Held } {
    if (holder.isGone || this.#isDenied(holder, server)) return { is: 'denied' };
    const accounts = this.#held.filter((held) => held.holder === holder && held.server === server);
    const exact = accounts.find((held) => held.label === label);
    const found = exact ?? (label === '' && accounts.length === 1 ? accounts[0] : undefined);
    return found?.isActive === true ? { is: 'served', held: found } : { is: 'asked' };
  }

  #isDenied(holder: Holder, server: number): boolean {
    const { isOpen, granted } = this.#servers[server] ?? { isOpen: false, granted: new Set() };
    return holder.mode === 'vk' && !isOpen && !granted.has(holder.id);
  }

  async #send(call: { holder: Holder; name: string; label: string; nonce: string; isOnMcp: boolean; forged: number }) {
    const { holder, name, label, nonce, isOnMcp, forged } = call;
    const account: Record<string, string> = label === '' ? {} : { 'x-asbru-account': label };
    // Whoever has a name of their own gains nothing by the session id of another.
    const session = holder.mode === 'session' ? {} : { 'x-bf-mcp-session-id': pick(this.#holders, forged)?.id ?? '' };
    const { authorization: own = '', ...named } = holder.headers;
    const headers = {
      ...named,
      ...session,
      ...account,
      authorization: '',
      ...this.#kind.forge(pick(this.#secrets, forged) ?? 'none'),
      ...(own !== '' && { authorization: own }),
    };
    if (!isOnMcp || holder.isGone) {
      const { status, body } = await this.#gateway.execute(`${name}-echo`, { text: nonce }, headers);
      const { mcp_auth_required: required } = (body['extra_fields'] ?? {}) as { mcp_auth_required?: McpAuthRequired };
      return { status, required, text: JSON.stringify(body) };
    }
    holder.session ??= await openSession(this.#gateway, holder.headers, { elicitation: { url: {} } });
    const { address, apiKey } = this.#gateway;
    const params = { name: `${name}-echo`, arguments: { text: nonce } };
    const { reply, text } = await postMcp(
      { address, apiKey },
      { jsonrpc: '2.0', id: nonce, method: 'tools/call', params },
      { headers: { ...headers, ...holder.session.headers, ...account } },
    );
    if (reply.result !== undefined) return { status: 200, required: undefined, text };
    const { elicitations: [link] = [] } = (reply.error?.data ?? {}) as {
      elicitations?: { url: string; elicitationId: string }[];
    };
    if (link === undefined) return { status: 403, required: undefined, text };
    const required = {
      mcp_client_name: name,
      session_id: link.elicitationId,
      submit_url: link.url,
      authorize_url: link.url,
    };
    return { status: 401, required: required as McpAuthRequired, text };
  }

  /** With the link of the same form, or of another, which opens nothing here. */
  async #enter(flowAt: number, linkAt: number, labelAt: number | undefined): Promise<void> {
    const flow = pick(this.#flows, flowAt);
    const link = linkAt % 4 === 0 ? pick(this.#flows, linkAt) : flow;
    if (flow === undefined || link === undefined) return;
    const label = labelAt === undefined || !this.#kind.picksLabel ? undefined : LABELS[labelAt % LABELS.length];
    const secret = `secret-${(this.#count += 1)}-`.padEnd(24, 'x');
    this.#secrets.push(secret);
    this.#servers[flow.server]?.known.add(secret);
    const { submit_url, authorize_url } = link.required;
    const required = { ...flow.required, ...(submit_url && { submit_url }), ...(authorize_url && { authorize_url }) };
    const status = await this.#kind.enter(this.#gateway, required, secret, label);
    const { holder, server } = flow;
    if (link !== flow) return expect(status).toBe(401);
    if (!flow.isOpen) return expect([404, 410, 403]).toContain(status);
    if (this.#isDenied(holder, server)) return expect(status).toBe(403);
    expect(status).toBe(200);
    const isUsed = (other: Flow): boolean => other === flow || (!this.#kind.picksLabel && isSame(other, flow));
    for (const other of this.#flows) if (isUsed(other)) other.isOpen = false;
    const kept = { holder, server, label: label ?? flow.label };
    this.#held = this.#held.filter((held) => !isSame(held, kept));
    this.#held.push({ ...kept, secret, isActive: true });
    this.tally.entered += 1;
  }

  async #revoke(rowAt: number): Promise<void> {
    const held = pick(this.#held, rowAt);
    if (held === undefined) return;
    const rows = await listSessions(this.#gateway, `mcp_client_id=${this.#servers[held.server]?.id}&limit=500`);
    const row = rows.find(({ kind, label, auth_mode, user_id, virtual_key }) => {
      // Of those without a key there is one, and the list does not say its id.
      const isHolder = auth_mode === 'session' || (user_id ?? virtual_key?.id) === held.holder.id;
      return kind !== 'flow' && auth_mode === held.holder.mode && label === held.label && isHolder;
    });
    const { status } = await this.#gateway.api('DELETE', `/api/mcp/sessions/${row?.id}`);
    expect(status).toBe(204);
    this.#held = this.#held.filter((other) => other !== held);
    for (const flow of this.#flows) if (flow.holder === held.holder && flow.server === held.server) flow.isOpen = false;
  }

  async #grant(at: number, isOpen: boolean, keys: readonly number[]): Promise<void> {
    const server = pick(this.#servers, at);
    const live = this.#holders.filter(({ mode, isGone }) => mode === 'vk' && !isGone);
    const ids = new Set(keys.map((key) => pick(live, key)?.id).filter((id) => id !== undefined));
    const vk_configs = [...ids].map((virtual_key_id) => ({ virtual_key_id, tools_to_execute: ['*'] }));
    if (server === undefined) return;
    const { status } = await this.#gateway.update(server.id, { allow_on_all_virtual_keys: isOpen, vk_configs });
    expect(status).toBe(200);
    server.isOpen = isOpen;
    server.granted = ids;
  }

  async #demand(at: number): Promise<void> {
    const server = pick(this.#servers, at);
    if (server === undefined) return;
    expect(await this.#kind.demandAll(this.#gateway, server.id, (this.#count += 1))).toBe(200);
    for (const held of this.#held) if (this.#servers[held.server] === server) held.isActive = false;
  }

  async #dropKey(at: number): Promise<void> {
    const holder = pick(
      this.#holders.filter(({ mode, isGone }) => mode === 'vk' && !isGone),
      at,
    );
    if (holder === undefined) return;
    expect((await this.#gateway.api('DELETE', `/api/governance/virtual-keys/${holder.id}`)).status).toBe(200);
    holder.isGone = true;
    this.#held = this.#held.filter((held) => held.holder !== holder);
    for (const flow of this.#flows) if (flow.holder === holder) flow.isOpen = false;
    for (const { granted } of this.#servers) granted.delete(holder.id);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#gateway.close();
    await Promise.all(this.#servers.map(({ upstream }) => upstream.stop()));
    await this.#kind.stop?.();
  }
}

function isSame(a: Pick<Held, 'holder' | 'server' | 'label'>, b: Pick<Held, 'holder' | 'server' | 'label'>): boolean {
  return a.holder === b.holder && a.server === b.server && a.label === b.label;
}

function pick<T>(list: readonly T[], at: number): T | undefined {
  return list[at % Math.max(list.length, 1)];
}
