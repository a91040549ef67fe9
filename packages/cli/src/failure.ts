import { isForgeError } from '@forge/core';
import type { CommandHost } from './command-host.ts';
import { createPaint, wantsColor } from './colors.ts';
import { CliErrors } from './errors.ts';

/**
 * Says in one message why a command failed, and gives its exit code: 2 where what was asked for is not stored, else 1.
 * The stack is shown only where FORGE_DEBUG is set.
 */
export function reportFailure(host: CommandHost, error: unknown): number {
  const paint = createPaint(wantsColor(host.stderr, host.env));
  const message = error instanceof Error ? error.message : String(error);
  host.stderr.write(`${paint('red', 'error:')} ${message}\n`);
  if (host.env['FORGE_DEBUG'] !== undefined && host.env['FORGE_DEBUG'] !== '')
    for (let cause: unknown = error; cause instanceof Error; cause = cause.cause)
      host.stderr.write(`${cause.stack ?? cause.message}\n`);
  return isForgeError(error, CliErrors.notFound) ? 2 : 1;
}
