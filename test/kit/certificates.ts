import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** A private certificate authority with one server on the loopback and one client, all PEM. */
export interface Certificates {
  readonly ca: string;
  readonly server: { readonly cert: string; readonly key: string };
  readonly client: { readonly cert: string; readonly key: string };
}

let made: Promise<Certificates> | undefined;

/** The certificates of this test process, made once with the openssl command. */
export function certificates(): Promise<Certificates> {
  made ??= makeAll();
  return made;
}

async function makeAll(): Promise<Certificates> {
  const folder = await mkdtemp(join(tmpdir(), 'asbru-tls-'));
  try {
    await make(folder, 'ca', [
      '-addext',
      'basicConstraints=critical,CA:TRUE',
      '-addext',
      'keyUsage=critical,keyCertSign',
    ]);
    const signed = ['-CA', join(folder, 'ca.pem'), '-CAkey', join(folder, 'ca.key')];
    const leaf = ['-addext', 'basicConstraints=critical,CA:FALSE'];
    await make(folder, 'server', [...signed, ...leaf, '-addext', 'subjectAltName=IP:127.0.0.1,DNS:localhost']);
    await make(folder, 'client', [...signed, ...leaf]);
    const read = (name: string): Promise<string> => readFile(join(folder, name), 'utf8');
    return {
      ca: await read('ca.pem'),
      server: { cert: await read('server.pem'), key: await read('server.key') },
      client: { cert: await read('client.pem'), key: await read('client.key') },
    };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function make(folder: string, name: string, more: string[]): Promise<void> {
  const key = [
    '-newkey',
    'ec',
    '-pkeyopt',
    'ec_paramgen_curve:prime256v1',
    '-noenc',
    '-keyout',
    join(folder, `${name}.key`),
  ];
  const about = ['-days', '2', '-subj', `/CN=asbru test ${name}`];
  await run('openssl', ['req', '-x509', ...key, '-out', join(folder, `${name}.pem`), ...about, ...more]);
}
