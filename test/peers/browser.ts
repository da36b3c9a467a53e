/** A person at a browser: opens the address, lets the application in with the virtual key, and goes back to it. */
import { allow, createBrowser } from '../kit/oauth-client.ts';

const [url = '', key = ''] = process.argv.slice(2);
const back = await allow(createBrowser(), url, key);
const response = await fetch(back);
if (!response.ok) throw new Error(`${back.host} answered ${response.status}: ${await response.text()}`);
