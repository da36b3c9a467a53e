// Plain JavaScript without dependencies: it runs on any Node from 20 on, before anything is installed.
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The repository. */
export const root = fileURLToPath(new URL('..', import.meta.url));

/** Installs the packages of a folder when what is installed is not what its lock file says. */
export function install(folder = root) {
  if (isInstalled(folder)) return;
  say('installing packages (npm ci), this takes half a minute …');
  const npm = process.env.npm_execpath;
  // Before the packages of the root are there, so is no other Node.
  const node = folder === root ? process.execPath : pinnedNode();
  const [command, ...args] = npm === undefined ? ['npm'] : [node, npm];
  const env = { ...process.env, PATH: `${dirname(node)}${delimiter}${process.env.PATH}` };
  const { status, stdout, stderr, error } = spawnSync(command, [...args, 'ci'], { cwd: folder, env, encoding: 'utf8' });
  if (status === 0) return;
  const output = error?.message ?? `${stdout}\n${stderr}`;
  say(output.trim().split('\n').slice(-15).join('\n'));
  fail('The packages could not be installed; the lines above are the end of what npm said.');
}

/** Builds dist, and the dashboard in it, where it is missing or older than a source. */
export function build() {
  const config = [join(root, 'tsconfig.json'), join(root, 'tsconfig.build.json')];
  const gateway = [...filesIn(join(root, 'src')), ...config];
  const tsc = [join(root, 'node_modules', 'typescript', 'bin', 'tsc'), '-p', join(root, 'tsconfig.build.json')];
  if (isOlder(join(root, 'dist', 'main.js'), gateway)) runBuild('building …', tsc);
  const vite = [join(root, 'node_modules', 'vite', 'bin', 'vite.js'), 'build', '--logLevel', 'warn', 'dashboard'];
  if (isOlder(join(root, 'dist', 'dashboard', 'index.html'), filesIn(join(root, 'dashboard')))) {
    runBuild('building the dashboard …', vite);
  }
}

function isOlder(built, sources) {
  return !existsSync(built) || sources.some((file) => statSync(file).mtimeMs > statSync(built).mtimeMs);
}

function runBuild(sentence, args) {
  say(sentence);
  // On standard error, where the rest is said too: what a gateway prints is for programs.
  const { status } = spawnSync(pinnedNode(), args, { cwd: root, stdio: ['inherit', 2, 2] });
  if (status !== 0) fail('The build failed; the lines above say why.');
}

/** The Node that the packages were chosen for, or this one if it is new enough. */
export function pinnedNode() {
  const name = process.platform === 'win32' ? 'node.exe' : 'node';
  const file = join(root, 'node_modules', 'node', 'bin', name);
  if (existsSync(file)) return file;
  if (Number(process.versions.node.split('.')[0]) >= 24) return process.execPath;
  return fail(
    `Asbru needs Node 24 or newer; this is ${process.versions.node} and the "node" package is not installed.`,
  );
}

/** Tells the user on standard error what is going on. */
export function say(text) {
  process.stderr.write(`${text}\n`);
}

// By content, not by date: a fresh checkout touches the lock file without changing it.
function isInstalled(folder) {
  const installed = readLock(join(folder, 'node_modules', '.package-lock.json'));
  const wanted = readLock(join(folder, 'package-lock.json'));
  if (installed === undefined || wanted === undefined) return false;
  return Object.entries(wanted).every(([path, entry]) => {
    if (path === '') return true;
    if (installed[path] === undefined) return entry.optional === true || entry.devOptional === true;
    return installed[path].version === entry.version && existsSync(join(folder, path));
  });
}

function readLock(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8')).packages;
  } catch {
    return undefined;
  }
}

function filesIn(folder) {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter(
      (entry) => entry.isFile() && /\.(?:tsx?|css|html|svg)$/.test(entry.name) && !entry.name.endsWith('.test.ts'),
    )
    .map((entry) => join(entry.parentPath ?? entry.path, entry.name));
}

function fail(sentence) {
  say(sentence);
  process.exit(1);
}
