import { randomBytes } from 'node:crypto';
import { createReadStream, createWriteStream, existsSync } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { StringDecoder } from 'node:string_decoder';
import { createGunzip, createGzip } from 'node:zlib';
import { GatewayError, messageOf } from '../../lib/errors.ts';
import type { Seal } from '../encryption-key.ts';
import { isHead, type Counts, type Entry } from './entries.ts';

/** The first line of a backup. */
export interface BackupHeader {
  readonly format: 'asbru-backup';
  /** Another number is another format. */
  readonly format_version: 1;
  /** The version of the program that wrote it. */
  readonly asbru: string;
  /** RFC 3339: what was changed later is not in it. */
  readonly created_at: string;
  /** The newest migration of each database, by which the columns are what they are. */
  readonly migrations: { readonly config: string; readonly ledger?: string };
  readonly has_logs: boolean;
  /** How the secrets are encrypted, and what a key can be tried on. */
  readonly seal?: Seal;
  /** The content of encryption.key, if it was asked for. */
  readonly key?: string;
}

/** The last line: what is not there was cut off. */
interface Trailer {
  readonly rows: Counts;
}

/** A backup that is being read. */
export interface BackupReader {
  readonly header: BackupHeader;
  /** Everything behind the header. Throws at the end when something is missing. */
  entries(): AsyncGenerator<Entry>;
  close(): void;
}

/** Writes a backup: gzip over a line of JSON for the header, for each entry, and for the number of rows. Gives those. */
export async function writeBackup(path: string, header: BackupHeader, entries: AsyncIterable<Entry>): Promise<Counts> {
  if (existsSync(path)) throw refuse(`${path} exists already; give another name`);
  // Under another name until it is whole: half a backup must not pass for one.
  const partial = `${path}.${randomBytes(4).toString('hex')}.partial`;
  const rows: Record<string, number> = {};
  try {
    const target = createWriteStream(partial, { flags: 'wx', mode: 0o600, flush: true });
    await pipeline(Readable.from(linesOf(header, entries, rows)), createGzip(), target);
    await rename(partial, path);
  } catch (cause) {
    await rm(partial, { force: true });
    throw cause instanceof GatewayError ? cause : refuse(`${path} cannot be written: ${messageOf(cause)}`, cause);
  }
  return rows;
}

async function* linesOf(header: BackupHeader, entries: AsyncIterable<Entry>, rows: Record<string, number>) {
  let chunk = `${JSON.stringify(header)}\n`;
  let table = '';
  for await (const entry of entries) {
    if (isHead(entry)) {
      ({ table } = entry);
      rows[table] = 0;
    } else rows[table] = (rows[table] ?? 0) + 1;
    chunk += `${JSON.stringify(entry)}\n`;
    if (chunk.length < CHUNK) continue;
    yield chunk;
    chunk = '';
  }
  yield `${chunk}${JSON.stringify({ rows } satisfies Trailer)}\n`;
}

/** A chunk costs more than what is in it. */
const CHUNK = 64 * 1024;

/** Opens a backup and reads its header. */
export async function openBackup(path: string): Promise<BackupReader> {
  if (!existsSync(path)) throw refuse(`there is no file ${path}`);
  const lines = readLines(path);
  const close = (): void => void lines.return(undefined);
  try {
    const first = await lines.next();
    return {
      header: checkHeader(first.done === true ? '' : first.value, path),
      entries: () => readEntries(lines, path),
      close,
    };
  } catch (error) {
    close();
    throw error;
  }
}

function checkHeader(line: string, path: string): BackupHeader {
  const header = parseLine(line, path) as Partial<BackupHeader> | undefined;
  if (header?.format !== 'asbru-backup') throw refuse(`${path} is no backup of Asbru`);
  if (header.format_version === 1) return header as BackupHeader; // written by writeBackup
  throw refuse(
    `${path} was made by Asbru ${header.asbru}, in a format that is not known here; restore it with that version`,
  );
}

async function* readEntries(lines: AsyncGenerator<string>, path: string): AsyncGenerator<Entry> {
  const seen: Record<string, number> = {};
  let table = '';
  let isWhole = false;
  // On behind the last line: only at its end gzip says whether all of it is right.
  for await (const line of lines) {
    const entry = parseLine(line, path) as Entry | Trailer;
    if (isTrailer(entry)) {
      if (JSON.stringify(entry.rows) !== JSON.stringify(seen)) throw refuse(`${path} is damaged: rows are missing`);
      isWhole = true;
      continue;
    }
    if (isHead(entry)) {
      ({ table } = entry);
      seen[table] = 0;
    } else seen[table] = (seen[table] ?? 0) + 1;
    yield entry;
  }
  if (!isWhole) throw refuse(`${path} is not whole: its end is missing`);
}

function isTrailer(entry: Entry | Trailer): entry is Trailer {
  return !Array.isArray(entry) && 'rows' in entry;
}

async function* readLines(path: string): AsyncGenerator<string> {
  const source = createReadStream(path);
  const gunzip = createGunzip();
  const done = pipeline(source, gunzip);
  done.catch(() => {}); // told by the loop
  const decoder = new StringDecoder('utf8');
  let rest = '';
  try {
    for await (const chunk of gunzip) {
      const lines = (rest + decoder.write(chunk as Buffer)).split('\n');
      rest = lines.pop() ?? '';
      yield* lines;
    }
  } catch (cause) {
    throw refuse(`${path} cannot be read as a backup: ${messageOf(cause)}`, cause);
  } finally {
    source.destroy();
  }
}

function parseLine(line: string, path: string): unknown {
  try {
    return JSON.parse(line);
  } catch (cause) {
    throw refuse(`${path} is no backup of Asbru`, cause);
  }
}

function refuse(message: string, cause?: unknown): GatewayError {
  return new GatewayError('invalid_request', message, { cause });
}
