/** The yardstick of tools/list: a bare server that answers each POST with the content of one file. */
import { readFileSync } from 'node:fs';
import { readBody, serve } from './serve.ts';

const bytes = readFileSync(process.argv[2] ?? '');

serve((request, response) => {
  readBody(request, () => {
    response.writeHead(200, { 'content-type': 'application/json', 'content-length': bytes.length }).end(bytes);
  });
});
