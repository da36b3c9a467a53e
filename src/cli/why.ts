import { Explanation, type Verdict } from '../contract/explain.ts';
import { GatewayError, messageOf } from '../lib/errors.ts';
import { askGateway, type GatewayFlags } from './management.ts';

/** The flags of `asbru why`, as the command line gave them. */
export interface WhyFlags extends GatewayFlags {
  readonly for?: string;
  readonly json?: boolean;
}

const MARKS: Readonly<Record<Verdict['effect'], string>> = {
  shows: '+',
  allows: '+',
  hides: '-',
  denies: '-',
  waits: '?',
  prices: '$',
};

/** `asbru why`: exit code 0 when the tool can be called, 1 when not, 2 when nobody could tell. */
export async function why(tool: string, flags: WhyFlags): Promise<void> {
  const query = new URLSearchParams({ tool, ...(flags.for !== undefined && { virtual_key: flags.for }) });
  try {
    const answer = await askGateway(`/api/mcp/explain?${query.toString()}`, flags, process.env);
    const { success, data: explanation } = Explanation.safeParse(answer);
    if (!success) throw new GatewayError('invalid_request', 'the gateway answered something else than an explanation');
    process.stdout.write(flags.json === true ? `${JSON.stringify(answer, null, 2)}\n` : render(explanation));
    process.exitCode = explanation.is_callable ? 0 : 1;
  } catch (error) {
    process.stderr.write(`asbru why: ${messageOf(error)}\n`);
    process.exitCode = 2;
  }
}

/** The answer for people: the outcome first, then a line for each rule. */
export function render({ tool, virtual_key, is_visible, is_callable, price, verdicts }: Explanation): string {
  const who = virtual_key === null ? 'an operator' : `virtual key "${virtual_key.name}"`;
  const outcome = is_callable
    ? `can call it, at $${price}`
    : is_visible
      ? 'sees it, but cannot call it'
      : 'cannot see it';
  const width = Math.max(...verdicts.map(({ rule }) => rule.length));
  const lines = verdicts.map(({ rule, effect, message }) => `  ${MARKS[effect]} ${rule.padEnd(width)}  ${message}`);
  return `${tool}: ${who} ${outcome}\n${lines.join('\n')}\n`;
}
