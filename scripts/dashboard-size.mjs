// `npm run dashboard:size`: what the first load of the dashboard weighs, gzipped, and whether it is within its budget.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { build, root } from './prepare.mjs';

const BUDGET_KB = 200;

build();
const folder = join(root, 'dist', 'dashboard');
const html = readFileSync(join(folder, 'index.html'), 'utf8');
const sizeOf = (file) => gzipSync(readFileSync(join(folder, file))).length;
const first = ['index.html', ...[...html.matchAll(/(?:src|href)="\/(assets\/[^"]+)"/g)].map(([, file]) => file)];
const later = readdirSync(join(folder, 'assets'))
  .map((name) => `assets/${name}`)
  .filter((file) => !first.includes(file));

const print = (file) => console.log(`${(sizeOf(file) / 1024).toFixed(1).padStart(8)} KB  ${file}`);
console.log('first load, gzip:');
first.forEach(print);
console.log('with the page that needs it:');
later.forEach(print);
const total = first.reduce((sum, file) => sum + sizeOf(file), 0) / 1024;
console.log(`first load: ${total.toFixed(1)} KB of ${BUDGET_KB} KB`);
process.exitCode = total <= BUDGET_KB ? 0 : 1;
