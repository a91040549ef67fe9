import { ForgeError, isForgeError } from '@forge/core';
import type { ImportJson } from '@forge/query';
import { open, type FileHandle } from 'node:fs/promises';
import { connectApi, type ApiClient } from '../api-client.ts';
import { writeJson, type CommandHost, type GlobalOptions } from '../command-host.ts';
import { safeText } from '../display-text.ts';
import { CliErrors } from '../errors.ts';
import { reportFailure } from '../failure.ts';

const CHUNK_BYTES = 256 * 1024;
const BAR_COLUMNS = 24;
const GZIP = [0x1f, 0x8b];

/**
 * `forge import FILE...`: stores the spans of trace files of any size; the format is found out by the content.
 * One that fails is reported, the others go on. @returns whether all went in
 */
export async function importFiles(
  host: CommandHost,
  files: readonly string[],
  global: GlobalOptions,
): Promise<boolean> {
  const api = await connectApi(host, global);
  const results: (ImportJson & { file: string })[] = [];
  try {
    for (const file of files) {
      try {
        const result = await importFile(host, api, file);
        results.push({ file, ...result });
        if (global.json !== true) host.stdout.write(`${safeText(file)}: ${resultText(result)}\n`);
      } catch (error) {
        if (!isAboutFile(error)) throw error;
        reportFailure(host, error);
      }
    }
    if (global.json === true) writeJson(host, results);
    return results.length === files.length;
  } finally {
    await api.close();
  }
}

/** What is wrong with one file; a database that is away is wrong for all. */
function isAboutFile(error: unknown): boolean {
  return isForgeError(error, CliErrors.file) || isForgeError(error, CliErrors.api);
}

async function importFile(host: CommandHost, api: ApiClient, file: string): Promise<ImportJson> {
  const handle = await openFile(file);
  try {
    const { size } = await handle.stat();
    const head = Buffer.alloc(2);
    await handle.read(head, 0, 2, 0);
    const isPacked = head[0] === GZIP[0] && head[1] === GZIP[1];
    const progress = createProgress(host, file, size);
    try {
      const response = await api.request('/import', {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...(isPacked ? { 'content-encoding': 'gzip' } : {}) },
        body: bytesOf(handle, progress.moved),
        duplex: 'half',
        signal: host.signal,
      });
      return (await response.json()) as ImportJson;
    } finally {
      progress.end();
    }
  } catch (error) {
    if (error instanceof ForgeError) throw new ForgeError(error.code, `${file}: ${error.message}`, { cause: error });
    throw error;
  } finally {
    await handle.close();
  }
}

async function openFile(file: string): Promise<FileHandle> {
  try {
    const handle = await open(file);
    if ((await handle.stat()).isFile()) return handle;
    await handle.close();
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const reason = code === 'ENOENT' ? 'there is no such file' : code === 'EACCES' ? 'it may not be read' : message;
    throw new ForgeError(CliErrors.file, `${file}: ${reason}`, { cause: error });
  }
  throw new ForgeError(CliErrors.file, `${file}: it is no file`);
}

/** The file's bytes at the reader's pace. */
function bytesOf(handle: FileHandle, onMoved: (bytes: number) => void): ReadableStream<Uint8Array> {
  let position = 0;
  return new ReadableStream({
    async pull(controller) {
      const { bytesRead, buffer } = await handle.read(Buffer.alloc(CHUNK_BYTES), 0, CHUNK_BYTES, position);
      if (bytesRead === 0) {
        controller.close();
        return;
      }
      position += bytesRead;
      onMoved(position);
      controller.enqueue(buffer.subarray(0, bytesRead));
    },
  });
}

/** A bar on a terminal that is drawn anew at each percent; nothing elsewhere. */
function createProgress(
  host: CommandHost,
  file: string,
  size: number,
): { moved: (bytes: number) => void; end: () => void } {
  if (host.stderr.isTTY !== true || size === 0) return { moved: () => undefined, end: () => undefined };
  let shown = -1;
  return {
    moved(bytes) {
      const percent = Math.floor((100 * bytes) / size);
      if (percent === shown) return;
      shown = percent;
      const full = Math.round((BAR_COLUMNS * percent) / 100);
      host.stderr.write(
        `\r${safeText(file)} ${'█'.repeat(full)}${'░'.repeat(BAR_COLUMNS - full)} ${percent} %\u001b[K`,
      );
    },
    end: () => host.stderr.write('\r\u001b[K'),
  };
}

function resultText(result: ImportJson): string {
  const parts = [`${result.stored} ${result.stored === 1 ? 'span' : 'spans'} stored`];
  if (result.duplicates > 0) parts.push(`${result.duplicates} were there before`);
  if (result.expired > 0) parts.push(`${result.expired} older than what is kept`);
  if (result.rejected > 0) parts.push(`${result.rejected} are no spans (${safeText(result.reason ?? 'unknown')})`);
  const [first] = result.trace_ids;
  return `${result.formats.join(', ')}, ${parts.join(', ')}${first === undefined ? '' : `; forge traces get ${first}`}`;
}
