import { Diagnostics, type SpanData } from '@forge/core';
import { makeSpan } from '@forge/testing';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import {
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { FakeExporter } from '../../test/fake-exporter.ts';
import { textCodec } from '../../test/text-codec.ts';
import { createExportQueue } from '../queue.ts';
import type { Spool } from '../spool.ts';
import { createFileSpool, type FileSpoolOptions } from './file-spool.ts';

let folder: string;
let log: string[];
const spools: Spool[] = [];

beforeEach(() => {
  folder = join(mkdtempSync(join(tmpdir(), 'forge-spool-')), 'fake');
  log = [];
});

afterEach(async () => {
  for (const spool of spools.splice(0)) await spool.close();
  rmSync(folder, { recursive: true, force: true });
});

function open(options: Partial<FileSpoolOptions> = {}): Spool {
  const diagnostics = new Diagnostics((level, message) => log.push(`${level}: ${message}`));
  const spool = createFileSpool({ folder, codec: textCodec, diagnostics, ...options });
  spools.push(spool);
  return spool;
}

const batch = (...names: string[]): SpanData[] => names.map((name) => makeSpan({ name }));

/** Takes all that waits, as names. */
async function drain(spool: Spool): Promise<string[]> {
  const names: string[] = [];
  for (let taken = await spool.oldest(); taken !== undefined; taken = await spool.oldest()) {
    names.push(...taken.map(({ name }) => name));
    await spool.remove();
  }
  return names;
}

function segments(): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.seg'))
    .sort();
}

describe('a spool in files', () => {
  it('gives batches back in order, each until it is removed', async () => {
    const spool = open();
    await spool.append(batch('a', 'b'));
    await spool.append(batch('c'));
    expect(spool.waitingBatches).toBe(2);
    expect((await spool.oldest())?.map(({ name }) => name)).toEqual(['a', 'b']);
    expect((await spool.oldest())?.map(({ name }) => name)).toEqual(['a', 'b']);
    await spool.append(batch('d'));
    expect(await drain(spool)).toEqual(['a', 'b', 'c', 'd']);
    expect(spool).toMatchObject({ waitingBatches: 0, bytes: 0, lostSpans: 0 });
    expect(segments()).toEqual([]);
  });

  it('touches no disk before the first batch, and leaves nothing when it ends empty', async () => {
    const spool = open();
    expect(await spool.oldest()).toBeUndefined();
    expect(() => readdirSync(folder)).toThrow('ENOENT');
    await spool.append(batch('a'));
    await drain(spool);
    await spool.close();
    expect(readdirSync(folder)).toEqual([]);
  });

  it('is readable by its owner only', async () => {
    await open().append(batch('a'));
    expect(statSync(join(folder, segments()[0])).mode & 0o777).toBe(0o600);
    expect(statSync(join(folder, readdirSync(folder)[0])).mode & 0o777).toBe(0o700);
  });

  it('leaves to the next spool what it did not deliver, and what it had begun', async () => {
    const first = open();
    for (const name of ['a', 'b', 'c']) await first.append(batch(name));
    await first.oldest();
    await first.remove();
    await first.oldest();
    await first.close();
    const second = open();
    await second.append(batch('later'));
    expect(await drain(second)).toEqual(['b', 'c', 'later']);
    expect(log).toEqual([expect.stringMatching(/^info: took over 1 files \(\d+ bytes\)/)]);
  });

  it('leaves the folder of a spool alone that is in use', async () => {
    const first = open();
    await first.append(batch('a'));
    expect(await drain(open())).toEqual([]);
    expect(await drain(first)).toEqual(['a']);
  });

  it('takes over the folder of another machine only after nobody has touched it for minutes', async () => {
    const first = open();
    await first.append(batch('a'));
    const [own] = readdirSync(folder);
    const foreign = join(folder, own.replace(/^[0-9a-f]+/, '0123456789ab'));
    renameSync(join(folder, own), foreign);
    expect(await drain(open())).toEqual([]);
    const longAgo = new Date(Date.now() - 121_000);
    utimesSync(foreign, longAgo, longAgo);
    expect(await drain(open())).toEqual(['a']);
  });

  it('goes on in a new folder when its own was taken over', async () => {
    const spool = open();
    await spool.append(batch('a'));
    const [own] = readdirSync(folder);
    renameSync(join(folder, own), join(folder, 'taken'));
    await spool.append(batch('b'));
    expect(await drain(spool)).toEqual(['b']);
  });

  it('drops the oldest segment when it is full, counts its spans, and says so', async () => {
    const spool = open({ segmentBytes: 1, maxBytes: 4000 });
    for (let i = 0; i < 20; i++) await spool.append(batch(`a${i}`, `b${i}`));
    expect(spool.bytes).toBeLessThanOrEqual(4000);
    const left = await drain(spool);
    expect(left.at(-1)).toBe('b19');
    expect(left.length + spool.lostSpans).toBe(40);
    expect(spool.lostSpans).toBeGreaterThan(0);
    expect(log).toEqual([expect.stringContaining('warn: spool: it is full (4000 bytes)')]);
  });

  it('may drop the batch that is being delivered', async () => {
    const spool = open({ segmentBytes: 1, maxBytes: 2000 });
    await spool.append(batch('a'));
    await spool.oldest();
    for (let i = 0; i < 5; i++) await spool.append(batch(`b${i}`));
    await spool.remove();
    expect(await drain(spool)).not.toContain('a');
  });

  it('refuses a batch that is larger than all of it', async () => {
    const error = await open({ maxBytes: 100 })
      .append(batch('a'))
      .catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: 'FORGE_SPOOL_FAILED' });
  });
});

describe('a damaged spool', () => {
  async function damaged(change: (bytes: Buffer) => Buffer): Promise<Spool> {
    const first = open();
    for (const name of ['a', 'b', 'c']) await first.append(batch(name));
    await first.close();
    const path = join(folder, segments()[0]);
    writeFileSync(path, change(readFileSync(path)));
    const next = open();
    await next.append(batch('later'));
    return next;
  }

  it('is read up to where its last record breaks off', async () => {
    const spool = await damaged((bytes) => bytes.subarray(0, bytes.length - 5));
    expect(await drain(spool)).toEqual(['a', 'b', 'later']);
    expect(spool.lostSpans).toBe(1);
    expect(log.at(-1)).toMatch(
      /^warn: spool: .*00000001\.seg is torn at byte \d+; 2 batches of it are read\. Spans lost so far: 1\.$/,
    );
  });

  it('is read but for a record with a wrong checksum', async () => {
    const spool = await damaged((bytes) => {
      bytes[8 + 12 + 20] ^= 1;
      return bytes;
    });
    expect(await drain(spool)).toEqual(['b', 'c', 'later']);
    expect(spool.lostSpans).toBe(1);
  });

  it.each([
    ['empty', () => Buffer.alloc(0)],
    ['something else', () => Buffer.from('not a segment at all')],
    ['zeros, as after a loss of power', (bytes: Buffer) => Buffer.alloc(bytes.length)],
    ['its head alone', (bytes: Buffer) => bytes.subarray(0, 8)],
    ['a huge length', (bytes: Buffer) => (bytes.writeUInt32LE(0xffff_ffff, 8), bytes)],
  ])('is passed over where a segment is %s, and the rest is read', async (_what, change) => {
    expect(await drain(await damaged(change))).toEqual(['later']);
  });

  it('passes over a batch that the codec cannot read', async () => {
    const first = open();
    await first.append(batch('a'));
    await first.append(batch('b'));
    await first.close();
    const decode = (bytes: Uint8Array): SpanData[] => {
      const spans = textCodec.decode(bytes);
      if (spans[0].name === 'a') throw new Error('of an unknown version');
      return spans;
    };
    const spool = open({ codec: { ...textCodec, decode } });
    expect(await drain(spool)).toEqual(['b']);
    expect(spool.lostSpans).toBe(1);
    expect(log.at(-1)).toContain('of an unknown version');
  });
});

describe('several processes on one spool', () => {
  const children: ChildProcess[] = [];
  afterEach(() => {
    for (const child of children.splice(0)) child.kill('SIGKILL');
  });

  async function start(count: number): Promise<ChildProcess> {
    const script = join(import.meta.dirname, '../../test/spool-process.ts');
    const child = spawn(
      process.execPath,
      ['--conditions=@forge/source', '--import', 'tsx', script, folder, String(count)],
      { stdio: ['ignore', 'pipe', 'inherit'] },
    );
    children.push(child);
    await once(child.stdout, 'data');
    return child;
  }

  it('keep apart while they live, and what a killed one leaves comes once, to one of the others', async () => {
    const [first, second] = await Promise.all([start(20), start(10)]);
    expect(await drain(open())).toEqual([]);
    for (const child of [first, second]) {
      child.kill('SIGKILL');
      await once(child, 'exit');
    }
    const heirs = [open(), open(), open()];
    const names = (await Promise.all(heirs.map(drain))).flat();
    const expected = [first, second].flatMap(({ pid }, i) =>
      Array.from({ length: i === 0 ? 20 : 10 }, (_, n) => `${pid}-${n}`),
    );
    expect(names.sort()).toEqual(expected.sort());
  });
});

it('keeps a whole outage of the backend: all that was pushed arrives after it, in the next process too', async () => {
  const exporter = new FakeExporter();
  exporter.answer = 'away';
  const spool = open();
  const options = {
    diagnostics: new Diagnostics(() => undefined),
    maxBatchSpans: 10,
    minBackoffMs: 10,
    maxBackoffMs: 20,
  };
  const queue = createExportQueue(exporter, { ...options, spool });
  for (let i = 0; i < 100; i++) queue.push(makeSpan({ name: `${i}` }));
  await vi.waitFor(() => expect(spool.waitingBatches).toBe(10));
  for (let i = 100; i < 105; i++) queue.push(makeSpan({ name: `${i}` }));
  await queue.shutdown(5000);
  exporter.answer = 'accept';
  exporter.calls.length = 0;
  const next = createExportQueue(exporter, { ...options, spool: open() });
  await vi.waitFor(() => expect(exporter.calls).toHaveLength(11));
  await next.shutdown();
  expect(exporter.offered.flat().sort((a, b) => Number(a) - Number(b))).toEqual(
    Array.from({ length: 105 }, (_, i) => `${i}`),
  );
  expect(segments()).toEqual([]);
});
