/** The yardstick of inference: the least that any gateway for models must do. Hands the request on with undici, and the answer as it comes. */
import { Pool } from 'undici';
import { readBody, serve } from './serve.ts';

const pool = new Pool(process.argv[2] ?? '');

serve((request, response) => {
  readBody(request, (body) => {
    const headers = { 'content-type': 'application/json', authorization: request.headers.authorization ?? '' };
    pool
      .stream({ path: request.url ?? '/', method: 'POST', headers, body }, ({ statusCode, headers }) => {
        for (const name of ['content-type', 'content-length']) {
          const value = headers[name];
          if (value !== undefined) response.setHeader(name, value);
        }
        return response.writeHead(statusCode);
      })
      .catch((error: unknown) => {
        console.error(error);
        response.destroy();
      });
  });
});
