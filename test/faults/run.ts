/** `npm run faults`: lets servers, clients, the database and nodes fail under load, and says what became of every call. */
import { readFile, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import type { Row } from './fault.ts';
import { runClients } from './clients.ts';
import { runDatabase } from './database.ts';
import { runNode } from './node.ts';
import { runServers } from './servers.ts';
import { renderTable } from './table.ts';

/** Runs the faults of a group whose names contain what is asked for. */
export type Group = (wanted: (name: string) => boolean, report: (row: Row) => void) => Promise<void>;

const GROUPS: readonly Group[] = [runServers, runClients, runDatabase, runNode];
const PAGE = fileURLToPath(new URL('../../docs/faults.md', import.meta.url));
const MARKS = ['<!-- table -->\n', '<!-- /table -->'] as const;

const given = process.argv.slice(2);
const isWriting = given.includes('--write');
const [only = ''] = given.filter((word) => !word.startsWith('--'));

const began = performance.now();
const rows: Row[] = [];
let broken = 0;

function report(row: Row): void {
  rows.push(row);
  console.log(`${row.wrong.length === 0 ? 'pass' : 'FAIL'} ${row.name}`);
  for (const what of row.wrong) console.log(`     ${what}`);
}

for (const group of GROUPS) {
  try {
    await group((name) => name.includes(only), report);
  } catch (error) {
    broken += 1;
    console.log(`FAIL ${error instanceof Error ? error.stack : String(error)}`);
  }
}

const table = renderTable(rows);
console.log(`\n${table}\n`);
if (isWriting) await writePage(table);
console.log(`took ${((performance.now() - began) / 1000).toFixed(0)} s`);
const failed = rows.filter(({ wrong }) => wrong.length > 0).length + broken;
console.log(`${rows.length + broken - failed} passed, ${failed} failed`);
process.exit(failed === 0 && rows.length > 0 ? 0 : 1);

async function writePage(table: string): Promise<void> {
  const page = await readFile(PAGE, 'utf8');
  const [start, end] = [page.indexOf(MARKS[0]) + MARKS[0].length, page.indexOf(MARKS[1])];
  await writeFile(PAGE, `${page.slice(0, start)}\n${table}\n\n${page.slice(end)}`);
}
