import { readdirSync, readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import type { GatewayAccess } from './gateway.ts';

const FOLDER = join(import.meta.dirname, '..', 'fixtures', 'released');
const DATABASES = ['asbru.db', 'logs.db'] as const;

/** Every version that was released, each with the databases that it wrote. */
export const RELEASED: readonly string[] = readdirSync(FOLDER).filter((name) => /^\d/.test(name));

/** Where the databases of a version are kept. */
export const releasedFolder = (version: string): string => join(FOLDER, version);

/** Puts the databases of a version into a folder, as if it had just been stopped there. */
export async function unpackReleased(version: string, appDir: string): Promise<void> {
  for (const name of DATABASES) {
    const packed = readFileSync(join(releasedFolder(version), `${name}.gz`));
    await writeFile(join(appDir, name), gunzipSync(packed));
  }
}

/** What the version itself answered to {@link readEverything}. */
export function answersOfReleased(version: string): unknown {
  return JSON.parse(readFileSync(join(releasedFolder(version), 'answers.json'), 'utf8'));
}

const PATHS = [
  '/api/mcp/clients',
  '/api/config',
  '/api/governance/customers',
  '/api/governance/teams',
  '/api/governance/virtual-keys',
  '/api/governance/budgets',
  '/api/governance/rate-limits',
  '/api/governance/pricing-overrides',
  '/api/providers',
  '/api/keys',
  '/api/api-keys',
  '/api/users',
  '/api/mcp/sessions',
  '/api/mcp/approvals',
  '/api/oauth2/sessions',
  '/api/oauth/config/config-1/status',
  '/api/audit-logs?limit=100',
  '/api/audit-logs/verify',
  '/api/mcp-logs',
  '/api/mcp-logs/stats',
  '/api/logs',
  '/api/logs/stats',
];
/** What goes on while a gateway runs, or is told by the clock. */
const PASSING = /(?:last_used_at|last_login_at|last_reset|current_usage)$/;

/** Everything that a gateway shows of what it has stored. */
export async function readEverything({ api }: Pick<GatewayAccess, 'api'>): Promise<Record<string, unknown>> {
  const answers: Record<string, unknown> = {};
  for (const path of PATHS) {
    const { status, body } = await api('GET', path);
    if (status !== 200) throw new Error(`${path}: ${status} ${JSON.stringify(body)}`);
    answers[path] = JSON.parse(JSON.stringify(body), (name, value: unknown) =>
      PASSING.test(name) ? undefined : value,
    );
  }
  return answers;
}
