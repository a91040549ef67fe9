import { CommanderError, type Command } from 'commander';
import packageJson from '../package.json' with { type: 'json' };
import type { CommandHost } from './command-host.ts';
import { reportFailure } from './failure.ts';
import { createProgram } from './program.ts';

/**
 * Runs one command line.
 * @param args without node and script: `['traces', 'list', '--json']`
 * @returns the exit code: 0 done, 1 wrong use or a failure, 2 what was asked for is not stored
 */
export async function runForge(args: readonly string[], host: CommandHost): Promise<number> {
  let exitCode = 0;
  const program = createProgram(host, packageJson.version, () => (exitCode = 1));
  for (const command of [program, ...descendants(program)])
    command.exitOverride().configureOutput({
      writeOut: (text) => void host.stdout.write(text),
      writeErr: (text) => void host.stderr.write(text),
    });
  try {
    await program.parseAsync(args, { from: 'user' });
    return exitCode;
  } catch (error) {
    // Commander has said it already: help and the version are asked for, all else is wrong use.
    if (error instanceof CommanderError) return error.exitCode;
    return reportFailure(host, error);
  }
}

function descendants(command: Command): Command[] {
  return command.commands.flatMap<Command>((child) => [child, ...descendants(child)]);
}
