import { isOfSiblings, KIND, type Delivery, type Request } from './siblings.ts';

/** A process of the gateway, as its supervisor sees it: a `ChildProcess`, or a `Worker` of node:cluster. */
export interface Member {
  send(message: object, callback: (error: Error | null) => void): unknown;
  on(event: 'message', listener: (message: unknown) => void): unknown;
  on(event: 'exit', listener: () => void): unknown;
}

/** Where the processes of one supervisor meet. */
export interface Exchange {
  /** Lets a process that was just started take part, until it ends. */
  add(member: Member): void;
}

/** Somebody has a lock, or waits for it. */
interface Claim {
  readonly member: Member;
  readonly number: number;
}

/** The supervisor's side of siblings.ts: passes messages on, and keeps the locks. Those of a process that ends are free. */
export function createExchange(): Exchange {
  const members = new Set<Member>();
  /** Of each lock who has it, and behind them who waits. */
  const lines = new Map<string, Claim[]>();

  function deliver(member: Member, delivery: Delivery): void {
    member.send(delivery, () => {}); // one that cannot hear is about to end
  }

  const grant = ({ member, number }: Claim): void =>
    deliver(member, { kind: KIND, do: 'locked', number, isHeld: true });

  function claim(name: string, claim: Claim, isWaiting: boolean): void {
    const line = lines.get(name) ?? [];
    if (line.length > 0 && !isWaiting) {
      return deliver(claim.member, { kind: KIND, do: 'locked', number: claim.number, isHeld: false });
    }
    line.push(claim);
    lines.set(name, line);
    if (line.length === 1) grant(claim);
  }

  function leave(name: string, isLeaving: (claim: Claim) => boolean): void {
    const line = lines.get(name) ?? [];
    const rest = line.filter((claim) => !isLeaving(claim));
    const [next] = rest;
    if (next === undefined) lines.delete(name);
    else lines.set(name, rest);
    if (next !== undefined && next !== line[0]) grant(next);
  }

  function handle(member: Member, request: Request): void {
    // Its last words may come after its end: they are passed on, but it takes no lock.
    if (request.do === 'send') {
      for (const other of members) if (other !== member) deliver(other, request);
    } else if (request.do === 'unlock') {
      leave(request.name, (claim) => claim.member === member && claim.number === request.number);
    } else if (members.has(member)) claim(request.name, { member, number: request.number }, request.isWaiting);
  }

  return {
    add(member) {
      members.add(member);
      member.on('message', (message) => {
        if (isOfSiblings(message)) handle(member, message as Request); // siblings.ts wrote it
      });
      member.on('exit', () => {
        members.delete(member);
        for (const name of [...lines.keys()]) leave(name, (claim) => claim.member === member);
      });
    },
  };
}
