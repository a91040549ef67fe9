import { mkdir, readdir, rename, rmdir, stat, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { isAbandoned, SpoolOwner } from './owner.ts';

/** A segment file that nobody writes to any more. */
export interface SealedSegment {
  readonly path: string;
  readonly bytes: number;
  /** Undefined for one of another process that was not read yet. */
  spans: number | undefined;
  /** Batches that wait in it: taken for one until it is read. */
  batches: number;
}

/**
 * The spool's folder, shared by any number of processes: each has a folder of its own in it. What a process left behind
 * is adopted by renaming its folder, which succeeds for one of those who try.
 */
export class SpoolFolders {
  readonly #root: string;
  readonly #owner = new SpoolOwner();
  readonly #mine = new Set<string>();
  #adopted = 0;

  constructor(root: string) {
    this.#root = root;
  }

  /** Where to write new segments: made on the first call. */
  async own(): Promise<string> {
    const path = join(this.#root, this.#owner.name);
    await mkdir(path, { recursive: true, mode: 0o700 });
    this.#mine.add(path);
    return path;
  }

  /** Takes over the folders of dead processes; their segments, the oldest first. */
  async adopt(): Promise<SealedSegment[]> {
    const found: SealedSegment[] = [];
    for (const name of await this.#names()) {
      if (this.#owner.owns(name)) continue;
      const path = join(this.#root, name);
      try {
        if (!isAbandoned(name, Date.now() - (await stat(path)).mtimeMs)) continue;
        const taken = join(this.#root, `${this.#owner.name}~${++this.#adopted}`);
        await rename(path, taken);
        await touch(taken);
        const segments = await segmentsOf(taken);
        if (segments.length === 0) await rmdir(taken).catch(() => undefined);
        else this.#mine.add(taken);
        found.push(...segments);
      } catch {
        // Another process was quicker, or it is not ours to take.
      }
    }
    return found;
  }

  async #names(): Promise<string[]> {
    try {
      return (await readdir(this.#root)).sort();
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
      throw error;
    }
  }

  /** Shows others that their owner lives. */
  async touch(): Promise<void> {
    for (const path of this.#mine) await touch(path);
  }

  /** Removes the folders that are empty; the others wait for the next process. */
  async release(): Promise<void> {
    this.#owner.release();
    for (const path of this.#mine) await rmdir(path).catch(() => undefined);
  }
}

async function touch(path: string): Promise<void> {
  const now = new Date();
  await utimes(path, now, now).catch(() => undefined);
}

async function segmentsOf(folder: string): Promise<SealedSegment[]> {
  const segments: SealedSegment[] = [];
  for (const name of (await readdir(folder)).sort()) {
    if (!name.endsWith('.seg')) continue;
    const path = join(folder, name);
    segments.push({ path, bytes: (await stat(path)).size, spans: undefined, batches: 1 });
  }
  return segments;
}
