// Waits for a lock, and says on a channel when it has it; then it keeps it for as long as it lives.
import { createSiblings } from '../../src/store/siblings.ts';

const siblings = createSiblings(process);
await siblings.lock('the only one', true);
await siblings.send('holder', { pid: process.pid });
