import { request } from 'undici';
import { createEgress } from '../lib/egress.ts';
import { GatewayError, messageOf } from '../lib/errors.ts';

/** Flags of the commands that ask a running gateway. */
export interface GatewayFlags {
  readonly url?: string;
  readonly key?: string;
}

type Environment = Readonly<Record<string, string | undefined>>;

const DEFAULT_URL = 'http://localhost:8080';
const TIMEOUT_MS = 30_000;

/** Asks the management API of a running gateway for something. Throws what the gateway answered instead. */
export async function askGateway(
  path: string,
  flags: GatewayFlags,
  env: Environment,
  method: 'GET' | 'POST' = 'GET',
): Promise<unknown> {
  const base = flags.url ?? env.ASBRU_URL ?? DEFAULT_URL;
  if (!URL.canParse(base)) throw refuse(`"${base}" is not an address such as ${DEFAULT_URL}`);
  const key = flags.key ?? env.ASBRU_API_KEY ?? env.ASBRU_KEY;
  if (key === undefined || key === '') throw refuse('a management API key is needed: set ASBRU_API_KEY or give --key');
  // The address of /mcp is the one that people have at hand.
  const { origin } = new URL(base);
  const { status, text } = await send(method, new URL(path, origin), key).catch((error: unknown) => {
    throw refuse(`no gateway answers at ${origin}: ${messageOf(error)}`);
  });
  if (status === 200) return parse(text, origin);
  throw refuse(`the gateway answered ${status}: ${readMessage(text)}`);
}

async function send(method: 'GET' | 'POST', url: URL, key: string): Promise<{ status: number; text: string }> {
  const headers = { authorization: `Bearer ${key}` };
  // The user says where to; of the guard only the proxies matter here.
  const egress = createEgress({ settings: () => ({ allow_private_servers: true, egress_allowlist: [] }) });
  const dispatcher = egress.open({ url, policy: { kind: 'server' }, isServerHere: false }, {});
  try {
    const { statusCode, body } = await request(url, {
      method,
      dispatcher,
      headers,
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    return { status: statusCode, text: await body.text() };
  } finally {
    await dispatcher.destroy();
  }
}

function parse(text: string, origin: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw refuse(`what answers at ${origin} is no gateway`);
  }
}

function readMessage(text: string): string {
  try {
    return (JSON.parse(text) as { error?: { message?: string } }).error?.message ?? text;
  } catch {
    return text.slice(0, 300);
  }
}

function refuse(message: string): GatewayError {
  return new GatewayError('invalid_request', message);
}
