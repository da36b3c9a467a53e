import { spawnSync } from 'node:child_process';
import { openSync } from 'node:fs';
import { expect, test } from 'vitest';

test('a log that cannot be written ends nothing', () => {
  const script = `
    import { createLogger } from ${JSON.stringify(new URL('logger.ts', import.meta.url).href)};
    const logger = createLogger({ level: 'info', style: 'json' });
    for (let line = 0; line < 2000; line += 1) logger.info({ line: 'x'.repeat(1000) }, 'said');
    setTimeout(() => console.log('alive'), 10);
  `;
  const full = openSync('/dev/full', 'w');
  const { stdout, status } = spawnSync(process.execPath, ['--input-type=module', '-e', script], {
    stdio: ['ignore', 'pipe', full],
    encoding: 'utf8',
  });
  expect([stdout, status]).toEqual(['alive\n', 0]);
});
