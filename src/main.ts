import { Command } from 'commander';
import type { AuditFlags, VerifyFlags } from './cli/audit.ts';
import type { BackupFlags } from './cli/backup.ts';
import type { RotateFlags } from './cli/keys.ts';
import type { MigrateFlags } from './cli/migrate.ts';
import type { MigrateToPostgresFlags } from './cli/migrate-to-postgres.ts';
import type { DoctorFlags } from './cli/doctor.ts';
import type { StartFlags } from './cli/options.ts';
import type { RestoreFlags } from './cli/restore.ts';
import type { StdioFlags } from './cli/stdio-target.ts';
import type { WhyFlags } from './cli/why.ts';
import { collectAloneOnFewCores, countBuffersWithTheHeap, hasLargeDatabase, keepYoungHeapSmall } from './cli/heap.ts';
import { VERSION } from './lib/version.ts';

const EXAMPLES = `
Examples:
  $ asbru start
  $ asbru start --port 9000 --config ./config.json
  $ ASBRU_API_KEY=... asbru start --host 0.0.0.0 --log-style json
  $ asbru start --workers auto
  $ asbru stdio --url http://localhost:8080/mcp --key ...
  $ asbru why github-create_issue --for ci
  $ asbru doctor github
  $ asbru schema > config.schema.json
  $ asbru audit verify
  $ asbru backup /backups/asbru-monday.gz
  $ asbru migrate-to-postgres --to env.ASBRU_DATABASE_URL

Environment (a flag wins):
  ASBRU_HOST, ASBRU_PORT, ASBRU_APP_DIR, ASBRU_CONFIG, ASBRU_LOG_LEVEL, ASBRU_LOG_STYLE,
  ASBRU_DRAIN_GRACE, ASBRU_NODE_ADDRESS, ASBRU_WORKERS
  APP_HOST, APP_PORT, APP_DIR, LOG_LEVEL, LOG_STYLE    the same, where the names above are not set
  ASBRU_API_KEY           admin API key of the first start, instead of a generated one
  ASBRU_SETUP_TOKEN       lets whoever knows it make the first admin account
  ASBRU_ENCRYPTION_KEY    passphrase for secrets in the database
  ASBRU_NEW_ENCRYPTION_KEY  the next one, for asbru keys rotate-encryption
  HTTP_PROXY, HTTPS_PROXY, NO_PROXY   proxies for everything that goes out
  ASBRU_URL, ASBRU_KEY    address and key of the gateway, for asbru stdio, why and doctor
`;

const program = new Command('asbru')
  .description('An open MCP gateway: many MCP servers behind one address, every setting changed live.')
  .version(VERSION)
  .addHelpText('after', EXAMPLES)
  .showHelpAfterError('(asbru --help shows what there is)');

program
  .command('start', { isDefault: true })
  .description('start the gateway and run until a signal')
  .option('--host <host>', 'address to listen on (default: 127.0.0.1, this machine only)')
  .option('--port <port>', 'port to listen on, 0 for any free one (default: 8080)')
  .option('--app-dir <dir>', 'directory of the database (default: ~/.config/asbru)')
  .option('--config <file>', 'config.json to read (default: config.json in the app directory, if there is one)')
  .option('--workers <n>', 'processes that serve the port, or "auto" for one for each core (default: 1)')
  .option(
    '--node-address <host[:port]>',
    'where other nodes on the same PostgreSQL reach this one; without a port if there are several workers',
  )
  .option('--drain-grace <seconds>', 'time between "not ready" and the end of the port on a signal (default: 0)')
  .option('--log-level <level>', 'debug, info, warn, error or silent (default: info)')
  .option('--log-style <style>', 'json or pretty (default: pretty on a terminal, else json)')
  .action(async (flags: StartFlags) => {
    const letGrow = keepYoungHeapSmall();
    collectAloneOnFewCores();
    countBuffersWithTheHeap();
    // Loaded only now: help and schema need none of it.
    const { start } = await import('./cli/start.ts');
    await start(flags, async (options) => {
      // A process that only keeps workers running needs none of it either.
      const { createGateway } = await import('./app.ts');
      if (hasLargeDatabase(options.appDir)) letGrow();
      return createGateway(options);
    });
    letGrow();
  });

program
  .command('stdio')
  .description('serve MCP on standard input and output, for clients that speak nothing else, and carry it to a gateway')
  .option('--url <url>', 'address of the gateway (default: http://localhost:8080/mcp)')
  .option('--key <key>', 'key for the gateway; better given as ASBRU_KEY, which no process list shows')
  .option('--header <header>', "another header for every request, as 'Name: value'; may be repeated", collect)
  .action(async (flags: StdioFlags) => {
    const { stdio } = await import('./cli/stdio.ts');
    stdio(flags);
  });

program
  .command('why <tool>')
  .description(
    'say which rule shows, hides, denies or prices a tool; exits with 0 if it can be called, 1 if not, 2 if nobody knows',
  )
  .option('--for <virtual key>', 'name or id of the virtual key that would call it (default: an operator)')
  .option('--url <url>', 'address of the gateway (default: http://localhost:8080)')
  .option('--key <key>', 'management API key; better given as ASBRU_API_KEY, which no process list shows')
  .option('--json', 'print the answer of the gateway as it is')
  .action(async (tool: string, flags: WhyFlags) => {
    const { why } = await import('./cli/why.ts');
    await why(tool, flags);
  });

program
  .command('doctor <name>')
  .description(
    'say which step of signing in to an MCP client fails, and what to do; exits with 0 if none does, 1 if one does, 2 if nobody knows',
  )
  .option('--url <url>', 'address of the gateway (default: http://localhost:8080)')
  .option('--key <key>', 'management API key; better given as ASBRU_API_KEY, which no process list shows')
  .option('--json', 'print the answer of the gateway as it is')
  // 1 says that a step failed.
  .exitOverride(({ exitCode }) => process.exit(exitCode === 0 ? 0 : 2))
  .action(async (name: string, flags: DoctorFlags) => {
    const { doctor } = await import('./cli/doctor.ts');
    await doctor(name, flags);
  });

program
  .command('schema')
  .description('print the JSON Schema of config.json')
  .action(async () => {
    const { configSchema } = await import('./cli/schema.ts');
    process.stdout.write(`${configSchema()}\n`);
  });

const auditCommand = program.command('audit').description('the record of every change made to the gateway');

withDatabase(auditCommand.command('verify'))
  .description('check that no entry was changed, removed, moved or forged; works beside a running gateway')
  .option('--anchor <hash>', 'hash that an earlier check printed: fail unless that entry is still there')
  .addHelpText('after', '\nExit code: 0 intact, 1 broken, 2 when it could not be checked.')
  .action(async (flags: VerifyFlags) => {
    const { verifyAudit } = await import('./cli/audit.ts');
    await verifyAudit(flags);
  });

withDatabase(auditCommand.command('export'))
  .description('print every entry as a line of JSON, oldest first')
  .action(async (flags: AuditFlags) => {
    const { exportAudit } = await import('./cli/audit.ts');
    await exportAudit(flags);
  });

const keysCommand = program.command('keys').description('the key that secrets in the database are encrypted with');

withDatabase(keysCommand.command('rotate-encryption'))
  .description('encrypt all secrets in the database with a new key; without options a new key file')
  .option('--new-passphrase-file <file>', 'file with the new passphrase (or set ASBRU_NEW_ENCRYPTION_KEY)')
  .option('--to-key-file', 'from a passphrase to a key file')
  .addHelpText(
    'after',
    '\nThe former passphrase is read as at a start. All or nothing is changed; back up the database first.',
  )
  .action(async (flags: RotateFlags) => {
    const { rotateEncryption } = await import('./cli/keys.ts');
    await rotateEncryption(flags);
  });

withDatabase(program.command('backup <file>'))
  .description('write the configuration into one file, beside a running gateway if there is one; PostgreSQL or SQLite')
  .option('--logs', 'with the logs of all calls')
  .option('--with-key', 'with the encryption key file: then the file alone opens every secret')
  .addHelpText(
    'after',
    '\nWithout --with-key the file is of no use without encryption.key or the passphrase: keep that somewhere else.',
  )
  .action(async (file: string, flags: BackupFlags) => {
    const { backup } = await import('./cli/backup.ts');
    await backup(file, flags);
  });

withDatabase(program.command('restore <file>'))
  .description('put a backup into the database, of SQLite into PostgreSQL too; no gateway may be running on it')
  .option('--force', 'replace what is there')
  .addHelpText('after', '\nThe encryption key is tried before anything is written. All or nothing is written.')
  .action(async (file: string, flags: RestoreFlags) => {
    const { restore } = await import('./cli/restore.ts');
    await restore(file, flags);
  });

withDatabase(program.command('migrate-to-postgres'))
  .description('copy a gateway from SQLite, while it runs, into an empty PostgreSQL database')
  .requiredOption('--to <url>', 'the database; better given as env.NAME, which no process list shows')
  .option('--no-logs', 'without the logs of calls')
  .action(async (flags: MigrateToPostgresFlags) => {
    const { migrateToPostgres } = await import('./cli/migrate-to-postgres.ts');
    await migrateToPostgres(flags);
  });

withDatabase(program.command('migrate'))
  .description('bring the databases to this version, which a start also does, or to another one')
  .option('--list', 'only say which migrations there are, and which have run (+)')
  .option('--to <version>', 'a released version, to go back to before it is started again')
  .option('--force', 'drop what that version has no place for')
  .addHelpText('after', '\nAll or nothing is changed. Stop all gateways and back up first.')
  .action(async (flags: MigrateFlags) => {
    const { migrate } = await import('./cli/migrate.ts');
    await migrate(flags);
  });

await program.parseAsync();

/** The options that say where the database is, as for a start. */
function withDatabase(command: Command): Command {
  return command
    .option('--app-dir <dir>', 'directory of the database (default: ~/.config/asbru)')
    .option('--config <file>', 'config.json that names the database (default: the one in the app directory)');
}

function collect(value: string, former: readonly string[] = []): string[] {
  return [...former, value];
}
