import { signal } from '@preact/signals';
import type { FileContents } from '../../worker/calls.ts';
import { go, hrefOf } from '../app/location.ts';
import { callTraceWorker } from '../app/trace-worker.ts';

export type OpenedFile =
  | { readonly name: string; readonly state: 'reading' }
  | { readonly name: string; readonly state: 'failed'; readonly error: unknown }
  | ({ readonly name: string; readonly state: 'open' } & FileContents);

/** The file that is open, for as long as the page is. */
export const openedFile = signal<OpenedFile | undefined>(undefined);

/** Reads a file and goes to its trace, or to the list of them. */
export async function openFile(file: File): Promise<void> {
  const { name } = file;
  openedFile.value = { name, state: 'reading' };
  try {
    const bytes = await file.arrayBuffer();
    const contents = await callTraceWorker('readFile', { bytes }, [bytes]);
    openedFile.value = { name, state: 'open', ...contents };
    go(hrefOf(contents.traces.length === 1 && contents.rejected === 0 ? 'open/0' : 'open'));
  } catch (error) {
    openedFile.value = { name, state: 'failed', error };
    go(hrefOf('open'));
  }
}
