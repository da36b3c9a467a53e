import { expect, test } from 'vitest';
import { DATABASES } from '../kit/databases.ts';
import { freshDatabase } from '../kit/keys.ts';
import { startGateway } from '../kit/gateway.ts';

test.each(DATABASES)('members of one group of settings that change at once are all kept, on %s', async (database) => {
  await using gateway = await startGateway(await freshDatabase(database));
  const put = (oauth2_server_config: object) =>
    gateway.api('PUT', '/api/config', { client_config: { oauth2_server_config } });
  for (let ttl = 61; ttl < 71; ttl += 1) {
    const wanted = { access_token_ttl: ttl, auth_code_ttl: ttl, disable_vk_identity: ttl % 2 === 0 };
    const answers = await Promise.all(Object.entries(wanted).map(([name, value]) => put({ [name]: value })));
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200]);
    const { body } = await gateway.api('GET', '/api/config');
    expect(body['client_config']).toMatchObject({ oauth2_server_config: wanted });
  }
});
