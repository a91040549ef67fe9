import { createWriteStream } from 'node:fs';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { ForgeError } from '@forge/core';
import { connectApi } from '../api-client.ts';
import { writeJson, type CommandHost, type GlobalOptions } from '../command-host.ts';
import { CliErrors } from '../errors.ts';

export interface ExportOptions {
  readonly format: string;
  readonly output?: string;
}

/** `forge export ID`: a trace in a format of other tools, to a file or to standard output. */
export async function exportTrace(
  host: CommandHost,
  id: string,
  options: ExportOptions,
  global: GlobalOptions,
): Promise<void> {
  const api = await connectApi(host, global);
  try {
    const query = new URLSearchParams({ format: options.format }).toString();
    const response = await api.request(`/traces/${encodeURIComponent(id)}/export?${query}`);
    const { output } = options;
    if (output === undefined) {
      host.stdout.write(`${await response.text()}\n`);
      return;
    }
    try {
      await pipeline(Readable.fromWeb(response.body as never), createWriteStream(output));
    } catch (error) {
      throw new ForgeError(CliErrors.file, `${output} cannot be written: ${(error as Error).message}`, {
        cause: error,
      });
    }
    if (global.json === true) writeJson(host, { file: output, format: options.format });
    else host.stderr.write(`${output} is written\n`);
  } finally {
    await api.close();
  }
}
