import type { Diagnostics, SpanData } from '@forge/core';
import { readFile, rename, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { queueError, reasonOf } from '../errors.ts';
import type { Spool } from '../spool.ts';
import { systemTimers, type Timers } from '../timers.ts';
import { HEARTBEAT_MS } from './owner.ts';
import { readSegment, type SegmentRecord } from './record.ts';
import { SegmentWriter } from './segment-writer.ts';
import { SpoolFolders, type SealedSegment } from './spool-folders.ts';

export interface FileSpoolOptions {
  /** Made when it is first needed; of one exporter alone, but any number of processes may share it. */
  readonly folder: string;
  /** Turns batches into bytes: `encodeSpans` and `decodeSpans` of `@forge/formats`. */
  readonly codec: { encode(spans: readonly SpanData[]): Uint8Array; decode(bytes: Uint8Array): SpanData[] };
  readonly diagnostics: Diagnostics;
  /** On disk at most, for this process and what it adopted; beyond it the oldest segment goes. Default 256 MiB. */
  readonly maxBytes?: number;
  /** A segment is closed once it is larger: the unit of dropping, and of what a crash makes come twice. Default 1 MiB. */
  readonly segmentBytes?: number;
  /** For tests. */
  readonly timers?: Timers;
}

const ADOPT_EVERY_MS = 10_000;

/**
 * A spool in files. A batch survives the end of the process, `kill -9` included, once `append` has resolved; a loss of
 * power takes what the system had not yet written to the disk.
 *
 *     folder/machine-pid-start-random/00000001.seg   one folder a process, adopted by others when it is dead
 *                                     00000002.seg   records with checksums, read in order, removed when delivered
 */
export function createFileSpool(options: FileSpoolOptions): Spool {
  return new FileSpool(options);
}

interface Reading {
  readonly segment: SealedSegment;
  readonly records: readonly SegmentRecord[];
  next: number;
}

class FileSpool implements Spool {
  readonly #folders: SpoolFolders;
  readonly #codec: FileSpoolOptions['codec'];
  readonly #diagnostics: Diagnostics;
  readonly #timers: Timers;
  readonly #maxBytes: number;
  readonly #segmentBytes: number;
  #writer: SegmentWriter | undefined = undefined;
  #written = 0;
  #sealed: SealedSegment[] = [];
  #reading: Reading | undefined = undefined;
  /** Whether `oldest` gave a batch that `remove` is to forget. */
  #given = false;
  #adoptAtMs = 0;
  #closed = false;
  #last: Promise<unknown> = Promise.resolve();
  #stopHeartbeat: (() => void) | undefined = undefined;
  lostSpans = 0;

  constructor(options: FileSpoolOptions) {
    this.#folders = new SpoolFolders(options.folder);
    this.#codec = options.codec;
    this.#diagnostics = options.diagnostics;
    this.#timers = options.timers ?? systemTimers;
    this.#maxBytes = options.maxBytes ?? 256 * 1024 * 1024;
    this.#segmentBytes = options.segmentBytes ?? 1024 * 1024;
  }

  get bytes(): number {
    return this.#sealed.reduce((sum, { bytes }) => sum + bytes, this.#writer?.bytes ?? 0);
  }

  get waitingBatches(): number {
    return this.#sealed.reduce((sum, { batches }) => sum + batches, this.#writer?.batches ?? 0);
  }

  append(batch: readonly SpanData[]): Promise<void> {
    return this.#inTurn(async () => {
      if (this.#closed) throw new Error('it is closed');
      const payload = this.#codec.encode(batch);
      if (payload.length > this.#maxBytes)
        throw new Error(`a batch of ${payload.length} bytes is larger than the whole spool`);
      if (this.#writer !== undefined && !(await this.#writer.isInPlace())) await this.#seal(false);
      await this.#makeRoom(payload.length);
      this.#writer ??= await this.#newSegment();
      await this.#writer.append(payload, batch.length);
      if (this.#writer.bytes >= this.#segmentBytes) await this.#seal(true);
    });
  }

  oldest(): Promise<readonly SpanData[] | undefined> {
    return this.#inTurn(async () => {
      if (this.#closed) return undefined;
      await this.#adopt();
      for (;;) {
        const reading = this.#reading ?? (await this.#openNext());
        if (reading === undefined) return undefined;
        const record = reading.records[reading.next];
        if (record === undefined) {
          await this.#discard(reading.segment);
          continue;
        }
        try {
          const batch = this.#codec.decode(record.payload);
          this.#given = true;
          return batch;
        } catch (error) {
          this.#lose(record.spans, `a batch in ${reading.segment.path} cannot be read: ${reasonOf(error)}`);
          this.#forget(reading);
        }
      }
    });
  }

  remove(): Promise<void> {
    return this.#inTurn(async () => {
      const reading = this.#reading;
      if (!this.#given || reading === undefined) return;
      this.#given = false;
      this.#forget(reading);
      if (reading.next >= reading.records.length) await this.#discard(reading.segment);
    });
  }

  close(): Promise<void> {
    return this.#inTurn(async () => {
      if (this.#closed) return;
      this.#closed = true;
      this.#stopHeartbeat?.();
      await this.#seal(true);
      await this.#cutOff();
      await this.#folders.release();
    });
  }

  /** One thing at a time: files are not to be written, read and dropped in the middle of each other. */
  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#last.then(work).catch((error: unknown) => {
      throw queueError('FORGE_SPOOL_FAILED', reasonOf(error), error);
    });
    this.#last = result.catch(() => undefined);
    return result;
  }

  // --- writing ---

  async #newSegment(): Promise<SegmentWriter> {
    const folder = await this.#folders.own();
    this.#heartbeat();
    return SegmentWriter.create(join(folder, `${String(++this.#written).padStart(8, '0')}.seg`));
  }

  /** Ends the segment that is written to. @param mine false where somebody took the folder over in the meantime */
  async #seal(mine: boolean): Promise<void> {
    const writer = this.#writer;
    if (writer === undefined) return;
    this.#writer = undefined;
    await writer.close();
    if (mine)
      this.#sealed.push({ path: writer.path, bytes: writer.bytes, spans: writer.spans, batches: writer.batches });
  }

  async #makeRoom(bytes: number): Promise<void> {
    while (this.bytes + bytes > this.#maxBytes) {
      if (this.#sealed.length === 0) await this.#seal(true);
      const [segment] = this.#sealed;
      if (segment === undefined) return;
      const spans = await this.#spansLeft(segment);
      this.#lose(spans, `it is full (${this.#maxBytes} bytes): the oldest batches go first`);
      await this.#discard(segment);
    }
  }

  async #spansLeft(segment: SealedSegment): Promise<number> {
    const reading = this.#reading;
    if (reading?.segment === segment)
      return reading.records.slice(reading.next).reduce((sum, { spans }) => sum + spans, 0);
    if (segment.spans !== undefined) return segment.spans;
    const { records } = readSegment(await readFile(segment.path));
    return records.reduce((sum, { spans }) => sum + spans, 0);
  }

  // --- reading ---

  async #adopt(): Promise<void> {
    const nowMs = this.#timers.nowMs();
    if (nowMs < this.#adoptAtMs) return;
    this.#adoptAtMs = nowMs + ADOPT_EVERY_MS;
    const found = await this.#folders.adopt();
    if (found.length === 0) return;
    this.#heartbeat();
    // Older than anything of this process.
    const at = this.#reading === undefined ? 0 : 1;
    this.#sealed.splice(at, 0, ...found);
    const bytes = found.reduce((sum, segment) => sum + segment.bytes, 0);
    this.#diagnostics.info(
      `took over ${found.length} files (${bytes} bytes) that an earlier process had left in the spool`,
    );
  }

  async #openNext(): Promise<Reading | undefined> {
    for (;;) {
      if (this.#sealed.length === 0) await this.#seal(true);
      const [segment] = this.#sealed;
      if (segment === undefined) return undefined;
      const { records, lostSpans, damage } = readSegment(await readFile(segment.path).catch(() => Buffer.alloc(0)));
      if (damage !== undefined)
        this.#lose(lostSpans, `${segment.path} is ${damage}; ${records.length} batches of it are read`);
      segment.batches = records.length;
      segment.spans = records.reduce((sum, { spans }) => sum + spans, 0);
      if (records.length > 0) return (this.#reading = { segment, records, next: 0 });
      await this.#discard(segment);
    }
  }

  /** Leaves of the segment that is being read only what was not delivered: the next process begins at its start. */
  async #cutOff(): Promise<void> {
    const reading = this.#reading;
    if (reading === undefined || reading.next === 0) return;
    const rest = reading.records.slice(reading.next);
    const path = `${reading.segment.path}.rest`;
    const writer = await SegmentWriter.create(path);
    for (const { payload, spans } of rest) await writer.append(payload, spans);
    await writer.close();
    await rename(path, reading.segment.path);
  }

  #forget(reading: Reading): void {
    reading.next++;
    reading.segment.batches--;
  }

  async #discard(segment: SealedSegment): Promise<void> {
    if (this.#reading?.segment === segment) {
      this.#reading = undefined;
      this.#given = false;
    }
    this.#sealed = this.#sealed.filter((other) => other !== segment);
    await unlink(segment.path).catch((error: unknown) => {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    });
  }

  #lose(spans: number, why: string): void {
    this.lostSpans += spans;
    this.#diagnostics.warnOnce(`spool-lost:${why}`, `spool: ${why}. Spans lost so far: ${this.lostSpans}.`);
  }

  #heartbeat(): void {
    this.#stopHeartbeat ??= this.#timers.after(HEARTBEAT_MS, () => {
      this.#stopHeartbeat = undefined;
      void this.#folders.touch();
      if (!this.#closed) this.#heartbeat();
    });
  }
}
