import { Argument, Command } from 'commander';
import type { CommandHost, GlobalOptions } from './command-host.ts';
import { examine } from './commands/doctor.ts';
import { exportTrace, type ExportOptions } from './commands/export.ts';
import { importFiles } from './commands/import.ts';
import { getTrace, type GetOptions } from './commands/traces-get.ts';
import { listTraces, type ListOptions } from './commands/traces-list.ts';
import { migrateDatabase } from './commands/migrate.ts';
import { openViewer } from './commands/open.ts';
import { serve, type ServeOptions } from './commands/serve.ts';
import { tailTraces } from './commands/tail.ts';
import { topOperations, type TopOptions } from './commands/top.ts';
import { completionScript, SHELLS, type Shell } from './completion.ts';
import { addFilterOptions, type FilterOptions } from './search-options.ts';

/** All commands of `forge`, bound to where they run. `onUnwell`: a command did its work and found something wrong. */
export function createProgram(host: CommandHost, version: string, onUnwell: () => void): Command {
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

  addFilterOptions(program.command('tail').description('new traces as they are stored, until Ctrl-C')).action(
    (options: FilterOptions, command: Command) => tailTraces(host, options, globals(command)),
  );
  program
    .command('top')
    .description('operations by requests, with errors and latencies')
    .option('-s, --service <name>', 'of this service alone')
    .option('-o, --operation <name>', 'a span name or a resource')
    .option('-w, --window <time>', 'how far back', '15m')
    .option('-n, --limit <count>', 'how many', '20')
    .option('-a, --all', 'all spans; by default what comes in: requests and jobs')
    .option('--once', 'once, without refreshing')
    .action((options: TopOptions, command: Command) => topOperations(host, options, globals(command)));
  program
    .command('export <id>')
    .description('one trace in a format of other tools')
    .requiredOption('-f, --format <format>', 'otlp, zipkin, jaeger (its UI’s JSON) or chrome (for Perfetto)')
    .option('-o, --output <file>', 'a file; standard output by default')
    .action((id: string, options: ExportOptions, command: Command) => exportTrace(host, id, options, globals(command)));
  program
    .command('import <files...>')
    .description('stores the spans of trace files: OTLP JSON, Zipkin JSON, the JSON of Jaeger’s UI; gzip too')
    .action(async (files: string[], _options: object, command: Command) => {
      if (!(await importFiles(host, files, globals(command)))) onUnwell();
    });
  program
    .command('open [id]')
    .description('the viewer in the browser, at a trace where one is named')
    .action((id: string | undefined, _options: object, command: Command) => openViewer(host, id, globals(command)));
  program
    .command('serve')
    .description('the API and the viewer over the database, until Ctrl-C')
    .option('--host <address>', 'the interface; observability.api.host by default')
    .option('--port <port>', 'the port, 0 for any free one; observability.api.port by default')
    .action((options: ServeOptions, command: Command) => serve(host, options, globals(command)));
  program
    .command('completion')
    .description('a script that completes commands in a shell')
    .addArgument(new Argument('<shell>').choices(SHELLS))
    .action((shell: Shell) => void host.stdout.write(completionScript(program, shell)));

  program
    .command('migrate')
    .description('make or update the tables')
    .action((_options: object, command: Command) => migrateDatabase(host, globals(command)));
  program
    .command('doctor')
    .description('what is connected, traced and dropped; sends one span around the loop')
    .action(async (_options: object, command: Command) => {
      if (!(await examine(host, globals(command)))) onUnwell();
    });
  return program;
}

const HELP = `
The database is DATABASE_URL's, else that of forge.toml, else the embedded one of this project.
Colours follow NO_COLOR and FORCE_COLOR. FORGE_DEBUG=1 shows the stacks of errors.

Exit codes: 0 done, 1 wrong use or a failure, 2 what was asked for is not stored.`;
