// A gateway in a process of its own, for tests that kill it: node gateway-process.mjs '<options as JSON>'
import { createGateway } from '../../src/app.ts';
import { createSiblings } from '../../src/store/siblings.ts';

const siblings = process.send && createSiblings(process);
const options = { host: '127.0.0.1', port: 0, siblings, ...JSON.parse(process.argv[2] ?? '{}') };
const gateway = await createGateway(options);
console.log(gateway.address);
process.once('SIGTERM', () => void gateway.close().then(() => process.disconnect?.()));
