import { constants } from 'node:fs';
import { open, stat, type FileHandle } from 'node:fs/promises';
import { recordHead, SEGMENT_HEAD } from './record.ts';

/** Appends records to one new segment file. */
export class SegmentWriter {
  readonly path: string;
  bytes = SEGMENT_HEAD.length;
  spans = 0;
  batches = 0;
  readonly #file: FileHandle;
  readonly #inode: number;

  private constructor(path: string, file: FileHandle, inode: number) {
    this.path = path;
    this.#file = file;
    this.#inode = inode;
  }

  /** Readable by its owner only: spans may hold what is nobody else's business. */
  static async create(path: string): Promise<SegmentWriter> {
    const file = await open(path, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, 0o600);
    await file.write(SEGMENT_HEAD);
    return new SegmentWriter(path, file, (await file.stat()).ino);
  }

  /** Resolves once the system has the bytes. After a failure the file holds no half record. */
  async append(payload: Uint8Array, spans: number): Promise<void> {
    const head = recordHead(payload, spans);
    try {
      const { bytesWritten } = await this.#file.writev([head, payload], this.bytes);
      if (bytesWritten !== head.length + payload.length) throw new Error('the disk took only a part');
    } catch (error) {
      await this.#file.truncate(this.bytes).catch(() => undefined);
      throw error;
    }
    this.bytes += head.length + payload.length;
    this.spans += spans;
    this.batches++;
  }

  /** Whether the file is still where it was: a process that was stopped for minutes may have lost its folder. */
  async isInPlace(): Promise<boolean> {
    try {
      return (await stat(this.path)).ino === this.#inode;
    } catch {
      return false;
    }
  }

  close(): Promise<void> {
    return this.#file.close();
  }
}
