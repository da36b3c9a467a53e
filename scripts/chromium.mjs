// Finds a Chromium for the browser tests, or installs Debian's.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { say } from './prepare.mjs';

const PLACES = [
  process.env.CHROMIUM_PATH,
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
];

/** The program of a Chromium on this machine. */
export function chromium() {
  const found = PLACES.find((path) => path !== undefined && existsSync(path));
  if (found !== undefined) return found;
  say('installing chromium (apt-get), this takes a minute …');
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  const run = (...args) => spawnSync('apt-get', args, { env, encoding: 'utf8' });
  run('update', '-qq');
  const { stdout, stderr } = run('install', '-y', '-qq', '--no-install-recommends', 'chromium', 'fonts-dejavu-core');
  const installed = PLACES.find((path) => path !== undefined && existsSync(path));
  if (installed !== undefined) return installed;
  say(`${stdout ?? ''}${stderr ?? ''}`.trim());
  say('There is no Chromium, and it could not be installed. Install one and name it in CHROMIUM_PATH.');
  return process.exit(1);
}
