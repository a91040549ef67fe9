import type { ImportJson } from '@forge/query';
import { createMemoryStore } from '@forge/storage';
import { makeSpan } from '@forge/testing';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runCommand } from '../../test/run-command.ts';

let dir = '';
beforeAll(() => void (dir = mkdtempSync(join(tmpdir(), 'forge-cli-'))));
afterAll(() => rmSync(dir, { recursive: true }));

const traceId = '0af7651916cd43dd8448eb211c80319c';
const spans = [makeSpan({ traceId, durationUs: 5 }), makeSpan({ durationUs: 6 })];

describe('forge export', () => {
  it('writes a trace to standard output, or to a file, which import takes', async () => {
    const { exitCode, out } = await runCommand(['export', traceId, '--format', 'otlp'], { spans });
    expect(exitCode).toBe(0);
    expect(JSON.parse(out)).toHaveProperty('resourceSpans');

    const file = join(dir, 'trace.json');
    const written = await runCommand(['export', traceId, '--format', 'zipkin', '--output', file], { spans });
    expect([written.exitCode, written.out, written.err]).toEqual([0, '', `${file} is written\n`]);
    expect(JSON.parse(readFileSync(file, 'utf8'))).toHaveLength(1);
    expect((await runCommand(['import', file])).out).toBe(
      `${file}: zipkin, 1 span stored; forge traces get ${traceId}\n`,
    );
  });

  it('says what is wrong', async () => {
    expect((await runCommand(['export', traceId, '--format', 'svg'], { spans })).err).toContain(
      '--format: "svg" is not allowed; allowed: otlp, zipkin, jaeger, chrome',
    );
    expect((await runCommand(['export', '1'.repeat(32), '--format', 'otlp'])).exitCode).toBe(2);
    const unwritable = await runCommand(['export', traceId, '--format', 'otlp', '-o', join(dir, 'no', 'x')], { spans });
    expect([unwritable.exitCode, unwritable.err]).toEqual([1, expect.stringContaining('cannot be written: ENOENT')]);
  });
});

describe('forge import', () => {
  const zipkin = (count: number) =>
    JSON.stringify(
      Array.from({ length: count }, (_, i) => ({
        traceId,
        id: (i + 1).toString(16).padStart(16, '0'),
        name: 'get',
        timestamp: 1_700_000_000_000_000 + i,
        duration: 5,
        localEndpoint: { serviceName: 'shop' },
      })),
    );

  it('takes several files, packed ones too, and says what became of each', async () => {
    const plain = join(dir, 'plain.json');
    const packed = join(dir, 'packed.json.gz');
    writeFileSync(plain, zipkin(3));
    writeFileSync(packed, gzipSync(zipkin(5)));
    const store = createMemoryStore();
    const { exitCode, out, err } = await runCommand(['import', plain, packed], { store });
    expect([exitCode, err]).toEqual([0, '']);
    expect(out.split('\n').slice(0, 2)).toEqual([
      `${plain}: zipkin, 3 spans stored; forge traces get ${traceId}`,
      `${packed}: zipkin, 2 spans stored, 3 were there before; forge traces get ${traceId}`,
    ]);
    const json = await runCommand(['import', '--json', plain], { store });
    expect((JSON.parse(json.out) as (ImportJson & { file: string })[])[0]).toMatchObject({
      file: plain,
      stored: 0,
      duplicates: 3,
    });
  });

  it('draws how far it is on a terminal', async () => {
    const file = join(dir, 'large.json');
    writeFileSync(file, zipkin(10_000));
    const { err } = await runCommand(['import', file], { isTTY: true });
    expect(err).toContain('█');
    expect(err).toContain('100 %');
    expect(err.endsWith('\r\u001b[K')).toBe(true);
  });

  it('goes on with the other files after one that fails, and ends with 1', async () => {
    const [good, bad] = [join(dir, 'good.json'), join(dir, 'bad.json')];
    writeFileSync(good, zipkin(1));
    writeFileSync(bad, '{}');
    const { exitCode, out, err } = await runCommand(['import', bad, good]);
    expect([exitCode, out]).toEqual([1, `${good}: zipkin, 1 span stored; forge traces get ${traceId}\n`]);
    expect(err).toContain(`error: ${bad}: no trace file`);
  });

  it.each([
    ['missing.json', undefined, 'there is no such file'],
    ['.', undefined, 'it is no file'],
    ['words.json', 'hello', 'no JSON: neither an object nor a list, at byte 0'],
    ['other.json', '{"a":1}', 'no trace file: neither OTLP JSON'],
    ['empty.json', '', 'the body is empty'],
  ])('says what is wrong with %s', async (name, content, reason) => {
    const file = join(dir, name);
    if (content !== undefined) writeFileSync(file, content);
    const { exitCode, err } = await runCommand(['import', file]);
    expect(exitCode).toBe(1);
    expect(err).toContain(`error: ${file}: ${reason}`);
  });
});
