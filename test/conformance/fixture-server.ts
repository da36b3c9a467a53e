/** The MCP server that the suite knows by heart, for the gateway to stand in front of: `--era legacy|modern|both [--port N]`. */
import { parseArgs } from 'node:util';
import { startFixture } from './fixture/listen.ts';
import type { FixtureEra } from './fixture/eras.ts';

const { values } = parseArgs({
  options: { era: { type: 'string', default: 'both' }, port: { type: 'string', default: '0' } },
});
if (!['legacy', 'modern', 'both'].includes(values.era)) throw new Error(`--era ${values.era}: legacy, modern or both`);

const fixture = await startFixture(values.era as FixtureEra, Number(values.port));
console.log(fixture.url);
