/**
 * The client under test: a gateway in front of the scenario's server, and an official client that makes the calls the scenario
 * waits for. `[--direct] URL`; the suite says the rest in its environment.
 */
import { openSignedInGateway } from './auth-gateway.ts';
import { openGateway } from './gateway.ts';
import { playScenario } from './scenario-calls.ts';

const url = process.argv.at(-1) ?? '';
const scenario = process.env['MCP_CONFORMANCE_SCENARIO'] ?? '';
const context = JSON.parse(process.env['MCP_CONFORMANCE_CONTEXT'] ?? '{}') as Record<string, unknown>;
const isModern = process.env['MCP_CONFORMANCE_PROTOCOL_VERSION'] === '2026-07-28';

const isDirect = process.argv.includes('--direct');

try {
  if (scenario.startsWith('auth/') && !isDirect) {
    await using gateway = await openSignedInGateway(url, scenario, context);
    await playScenario({ scenario, context, ...gateway, isModern, isDirect });
  } else {
    await using gateway = isDirect ? undefined : await openGateway(url);
    await playScenario({ scenario, context, url: gateway?.url ?? url, isModern, isDirect });
  }
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
