// A gateway in a process of its own, for tests that kill it: node gateway-process.mjs '<options as JSON>'
import { createGateway } from '../../src/app.ts';

const gateway = await createGateway({ host: '127.0.0.1', port: 0, ...JSON.parse(process.argv[2] ?? '{}') });
console.log(gateway.address);
process.once('SIGTERM', () => void gateway.close());
