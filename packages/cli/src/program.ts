import { Command } from 'commander';
import type { CommandHost, GlobalOptions } from './command-host.ts';
import { getTrace, type GetOptions } from './commands/traces-get.ts';
import { listTraces, type ListOptions } from './commands/traces-list.ts';
import { migrateDatabase } from './commands/migrate.ts';
import { addFilterOptions } from './search-options.ts';

/** All commands of `forge`, bound to where they run. */
export function createProgram(host: CommandHost, version: string): Command {
  const program = new Command('forge')
    .description('Follows requests across the system: traces in PostgreSQL, read in the terminal.')
    .version(version)
    .option('--json', 'answer in JSON, for programs')
    .option('--url <url>', 'ask the API of a running process (http://localhost:8080) instead of the database')
    .option('--token <token>', 'bearer token for --url; FORGE_TOKEN by default')
    .option('--config <file>', 'the forge.toml to use; found upwards from the current folder by default')
    .addHelpText('after', HELP)
    .showHelpAfterError('("forge --help" shows what is allowed)');

  const globals = (command: Command): GlobalOptions => command.optsWithGlobals();

  const traces = program.command('traces').description('find and show traces');
  addFilterOptions(traces.command('list').alias('ls').description('traces that match, newest first'))
    .option('--start <time>', 'from then on: 2026-01-31T08:00:00Z, -1h')
    .option('--end <time>', 'until before then')
    .option('--sort <order>', 'newest, longest, longest_span, most_errors, most_spans')
    .option('-n, --limit <count>', 'traces a page, 1 to 1000 (default 50)')
    .option('--cursor <cursor>', 'the page after the one that named it')
    .action((options: ListOptions, command: Command) => listTraces(host, options, globals(command)));
  traces
    .command('get <id>')
    .description('one trace as a waterfall')
    .option('-c, --collapse', 'take runs of equal spans together')
    .option('-e, --errors', 'failed spans only, with what leads to them')
    .option('-p, --critical-path', 'only what the whole trace waited for, and how long')
    .option('--depth <levels>', 'levels below the roots')
    .option('--width <columns>', 'columns to draw in; the terminal’s by default')
    .action((id: string, options: GetOptions, command: Command) => getTrace(host, id, options, globals(command)));

  program
    .command('migrate')
    .description('make or update the tables')
    .action((_options: object, command: Command) => migrateDatabase(host, globals(command)));
  return program;
}

const HELP = `
The database is DATABASE_URL's, else that of forge.toml, else the embedded one of this project.
Colours follow NO_COLOR and FORCE_COLOR. FORGE_DEBUG=1 shows the stacks of errors.

Exit codes: 0 done, 1 wrong use or a failure, 2 what was asked for is not stored.`;
