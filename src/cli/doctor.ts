import { Diagnosis, type DiagnosisStep } from '../contract/diagnosis.ts';
import { McpClientList } from '../contract/mcp-client.ts';
import { GatewayError, messageOf } from '../lib/errors.ts';
import { askGateway, type GatewayFlags } from './management.ts';

/** The flags of `asbru doctor`, as the command line gave them. */
export interface DoctorFlags extends GatewayFlags {
  readonly json?: boolean;
}

/** `asbru doctor`: exit code 0 when signing in is in order, 1 when a step failed, 2 when nobody could tell. */
export async function doctor(name: string, flags: DoctorFlags): Promise<void> {
  try {
    const id = await findClient(name, flags);
    const answer = await askGateway(`/api/mcp/client/${encodeURIComponent(id)}/diagnose`, flags, process.env, 'POST');
    const { success, data: diagnosis } = Diagnosis.safeParse(answer);
    if (!success) throw new GatewayError('invalid_request', 'the gateway answered something else than a diagnosis');
    process.stdout.write(flags.json === true ? `${JSON.stringify(answer, null, 2)}\n` : render(diagnosis));
    process.exitCode = diagnosis.is_ok ? 0 : 1;
  } catch (error) {
    process.stderr.write(`asbru doctor: ${messageOf(error)}\n`);
    process.exitCode = 2;
  }
}

async function findClient(name: string, flags: GatewayFlags): Promise<string> {
  const { data: list } = McpClientList.safeParse(await askGateway('/api/mcp/clients', flags, process.env));
  if (list === undefined) throw new GatewayError('invalid_request', 'the gateway answered something else than a list');
  const configs = list.clients.map(({ config }) => config);
  const found = configs.find((config) => config.name === name) ?? configs.find(({ client_id }) => client_id === name);
  if (found !== undefined) return found.client_id;
  throw new GatewayError('not_found', `there is no MCP client with the name or id "${name}"`);
}

const MARKS: Readonly<Record<DiagnosisStep['outcome'], string>> = { ok: '+', skipped: ' ', failed: '-' };

/** The answer for people: the verdict, then each step; of those that failed all that is known. */
export function render({ verdict, steps, token }: Diagnosis): string {
  const lines = steps.flatMap((step) => [headline(step), ...details(step).map((line) => `      ${line}`)]);
  const state = token === null ? [] : [describeToken(token)];
  // Words of strangers are among them, which must not steer the terminal.
  return [verdict, ...lines, ...state].map((line) => `${line.replaceAll(/\p{Cc}/gu, '?')}\n`).join('');
}

function headline({ step, source, outcome, request, response, detail }: DiagnosisStep): string {
  const words = [
    typeof request?.['url'] === 'string' ? `${textOf(request['method'] ?? 'GET')} ${request['url']}` : '',
    response === undefined ? '' : `-> ${textOf(response['status'])}`,
    detail ?? '',
  ].filter((word) => word !== '');
  return `  ${MARKS[outcome]} ${step}${source === 'recorded' ? ' (recorded)' : ''}  ${words.join('  ')}`.trimEnd();
}

function details({ ok, rule, hint, request, response }: DiagnosisStep): string[] {
  if (ok) return [];
  return [
    rule === undefined ? '' : `rule: ${rule}`,
    request?.['body'] === undefined ? '' : `sent: ${JSON.stringify(request['body'])}`,
    response?.['body'] === undefined ? '' : `came back: ${JSON.stringify(response['body'])}`,
    hint === undefined ? '' : `what to do: ${hint}`,
  ].filter((line) => line !== '');
}

function describeToken({ status, scopes, is_renewable, expires_at }: NonNullable<Diagnosis['token']>): string {
  const end = expires_at === undefined ? '' : `, until ${expires_at}`;
  const renewal = is_renewable ? ', can be refreshed' : ', cannot be refreshed';
  return `token: ${status}${end}${renewal}, scopes: ${scopes.join(' ') || 'none named'}`;
}

function textOf(value: unknown): string {
  return typeof value === 'string' || typeof value === 'number' ? String(value) : '';
}
