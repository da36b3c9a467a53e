import { expect } from 'vitest';
import type { GatewayOptions } from '../../src/app.ts';
import { startGateway, type TestGateway } from './gateway.ts';
import type { Call, CredentialKind, Step } from './isolation.ts';
import { callAs, createHolders, openLink, type Holder, type Required } from './isolation-holders.ts';
import { allowLinks, listSessions } from './personal.ts';
import type { Upstream } from './upstream.ts';

interface Held {
  readonly holder: Holder;
  readonly server: number;
  readonly label: string;
  readonly secret: string;
  isActive: boolean;
}

interface Flow {
  readonly required: Required;
  readonly holder: Holder;
  readonly server: number;
  readonly label: string;
  isOpen: boolean;
}

const LABELS = ['', 'work'];
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
    await allowLinks(gateway, { enforce_auth_on_inference: false, mcp_server_auth_mode: 'both' });
    const world = new IsolationWorld(kind, gateway);
    for (const name of SERVERS) {
      const known = new Set<string>(['of-the-admin']);
      const upstream = await kind.start(known);
      const id = await kind.register(gateway, name, upstream.url);
      world.#servers.push({ id, upstream, known, isOpen: true, granted: new Set() });
    }
    world.#holders.push(...(await createHolders(gateway)));
    return world;
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
      case 'renew':
        return this.#renew(step.row);
      case 'expire':
        // The servers forget the secret; the gateway learns it from the next call.
        for (const { known } of this.#servers) known.delete(pick(this.#secrets, step.secret) ?? '');
        return;
      case 'grant':
        return this.#grant(step.server, step.isOpen, step.keys);
      case 'demand':
        return this.#demand(step.server);
      case 'drop':
        return this.#drop(step.holder);
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

  async #call(call: Call): Promise<void> {
    const { holder: index, server: at, label: labelAt, isOnMcp } = call;
    const holder = pick(this.#holders, index);
    const server = this.#servers[at % SERVERS.length];
    const label = LABELS[labelAt % LABELS.length] ?? '';
    if (holder === undefined || server === undefined) return;
    const serverIndex = at % SERVERS.length;
    const expected = this.#expect(holder, serverIndex, label);
    const nonce = `call-${(this.#count += 1)}`;
    const headers = this.#headers(holder, label, call);
    const attempt = { name: SERVERS[serverIndex] ?? '', nonce, isOnMcp, headers };
    const { status, required, text } = await callAs(this.#gateway, holder, attempt);
    this.#expectNothingShown(text);
    const ran = this.#servers.flatMap(({ upstream }, where) =>
      upstream.host.calls
        .filter((call) => call.arguments['text'] === nonce)
        .map((call) => ({ where, secret: this.#kind.secretIn(call.headers) })),
    );
    if (expected.is === 'denied') {
      // A session of whoever is gone is one that does not exist.
      expect(holder.isGone ? [401, 403, 404] : [403]).toContain(status);
      expect(required?.session_id).toBeUndefined();
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

  #note(required: Required, holder: Holder, server: number, label: string): void {
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

  /** With what belongs to somebody else, where there is room for it. */
  #headers(holder: Holder, label: string, { isOnMcp, forged }: Call): Record<string, string> {
    const stolen = this.#kind.forge(pick(this.#secrets, forged) ?? 'none');
    // On /mcp it would be taken for a token of the gateway, and refused.
    if (isOnMcp || holder.browser !== undefined) delete stolen['authorization'];
    return {
      authorization: '',
      // Whoever has a name gains nothing by the session of another; without one it would be a name.
      ...(!holder.isGone && { 'x-bf-mcp-session-id': pick(this.#holders, forged)?.id ?? '' }),
      ...stolen,
      ...(label !== '' && { 'x-asbru-account': label }),
      ...holder.headers,
    };
  }

  /** By way of the same link, or of another. */
  async #enter(flowAt: number, linkAt: number, labelAt: number | undefined): Promise<void> {
    const flow = pick(this.#flows, flowAt);
    const link = linkAt % 4 === 0 ? pick(this.#flows, linkAt) : flow;
    if (flow === undefined || link === undefined) return;
    const label = labelAt === undefined || !this.#kind.picksLabel ? undefined : LABELS[labelAt % LABELS.length];
    const secret = `secret-${(this.#count += 1)}-`.padEnd(24, 'x');
    this.#secrets.push(secret);
    this.#servers[flow.server]?.known.add(secret);
    const ask = openLink(this.#gateway, link.holder, link.required);
    const status = await this.#kind.enter(ask, flow.required.session_id ?? '', secret, label);
    const { holder, server } = flow;
    const refusal = refusalOf(flow, link);
    if (refusal !== undefined) return expect(refusal).toContain(status);
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
    const { status } = await this.#gateway.api('DELETE', `/api/mcp/sessions/${await this.#idOf(held)}`);
    expect(status).toBe(204);
    this.#held = this.#held.filter((other) => other !== held);
    for (const flow of this.#flows) if (flow.holder === held.holder && flow.server === held.server) flow.isOpen = false;
  }

  /** Whoever manages the gateway may begin it, except in the name of another person. */
  async #renew(rowAt: number): Promise<void> {
    const held = pick(this.#held, rowAt);
    if (held === undefined) return;
    const { holder, server, label } = held;
    const { status, body } = await this.#gateway.api('POST', `/api/mcp/sessions/${await this.#idOf(held)}/reauth`);
    const isAnothers = holder.mode === 'user' && holder.id !== 'api-key:1';
    if (isAnothers || this.#isDenied(holder, server)) return expect(status).toBe(403);
    expect(status, JSON.stringify(body)).toBe(200);
    this.#note(body, holder, server, label);
  }

  async #idOf({ holder, server, label }: Held): Promise<string | undefined> {
    const rows = await listSessions(this.#gateway, `mcp_client_id=${this.#servers[server]?.id}&limit=500`);
    const row = rows.find((each) => {
      // Of those without a key there is one, and the list does not say its id.
      const isHolder = each.auth_mode === 'session' || (each.user_id ?? each.virtual_key?.id) === holder.id;
      return each.kind !== 'flow' && each.auth_mode === holder.mode && each.label === label && isHolder;
    });
    return row?.id;
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

  async #drop(at: number): Promise<void> {
    const holder = pick(
      this.#holders.filter(({ path, isGone }) => path !== undefined && !isGone),
      at,
    );
    if (holder === undefined) return;
    expect((await this.#gateway.api('DELETE', holder.path ?? '')).status).toBe(200);
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

/** The answers to whoever may not open a flow by way of this link. */
function refusalOf(flow: Flow, link: Flow): number[] | undefined {
  if (link.holder.browser === undefined) return link === flow ? undefined : [401];
  if (link.holder.isGone) return [401];
  // Whoever manages the gateway may open what is of no person.
  return flow.holder.mode === 'user' && flow.holder !== link.holder ? [403, 404] : undefined;
}

function isSame(a: Pick<Held, 'holder' | 'server' | 'label'>, b: Pick<Held, 'holder' | 'server' | 'label'>): boolean {
  return a.holder === b.holder && a.server === b.server && a.label === b.label;
}

function pick<T>(list: readonly T[], at: number): T | undefined {
  return list[at % Math.max(list.length, 1)];
}
