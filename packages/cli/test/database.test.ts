import type { TraceJson } from '@forge/query';
import { createTestDatabase, type TestDatabase } from '@forge/testing/postgres';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openConfiguredStore } from '../src/open-store.ts';
import { runCommand, type CommandRun } from './run-command.ts';

let database: TestDatabase;
let dir = '';
beforeAll(async () => {
  database = await createTestDatabase();
  dir = mkdtempSync(join(tmpdir(), 'forge-cli-db-'));
});
afterAll(async () => {
  rmSync(dir, { recursive: true });
  await database.drop();
});

function forge(line: string, env: NodeJS.ProcessEnv = {}): Promise<CommandRun> {
  const host = { cwd: dir, openStore: openConfiguredStore };
  return runCommand(line.split(' '), { env: { DATABASE_URL: database.url, ...env }, host });
}

const TRACE = '0af7651916cd43dd8448eb211c80319c';

it('migrates, imports, finds, draws and exports on a real database', async () => {
  const before = await forge('traces list');
  expect([before.exitCode, before.err]).toEqual([1, expect.stringContaining('run "forge migrate"')]);

  const first = await forge('migrate');
  expect(first.out).toMatch(/^the schema of \S+:\d+\/\S+ went from version 0 to \d+: create_forge_traces/);
  expect(first.out).not.toContain('@');
  expect((await forge('migrate')).out).toMatch(/is at version \d+: nothing to do/);

  const startUs = (Date.now() - 60_000) * 1000;
  const span = {
    traceId: TRACE,
    id: '00f067aa0ba902b7',
    name: 'get /orders',
    kind: 'SERVER',
    timestamp: startUs,
    duration: 1_020_000,
    localEndpoint: { serviceName: 'shop' },
  };
  writeFileSync(
    join(dir, 'zipkin.json'),
    JSON.stringify([span, { ...span, id: '00f067aa0ba902b8', parentId: span.id, name: 'query', duration: 5 }]),
  );
  expect((await forge(`import ${join(dir, 'zipkin.json')}`)).out).toContain('zipkin, 2 spans stored');

  expect((await forge('traces list --service shop --min-duration 1s --start -1h')).out).toContain(TRACE);
  expect((await forge('traces list --min-duration 2s')).err).toBe('no trace matches\n');
  expect((await forge(`traces get ${TRACE}`)).out).toContain('└─ query');
  const trace = JSON.parse((await forge(`traces get ${TRACE} --json`)).out) as TraceJson;
  expect([trace.start_us, trace.duration_us, trace.spans.length]).toEqual([startUs, 1_020_000, 2]);
  expect(JSON.parse((await forge(`export ${TRACE} --format zipkin`)).out)).toHaveLength(2);
});

describe('one clear message, and exit code 1', () => {
  it.each([
    ['DATABASE_URL', 'postgres://127.0.0.1:1/forge', /ECONNREFUSED/],
    ['DATABASE_URL', 'mysql://localhost/forge', /DATABASE_URL.*mysql.*postgres:\/\//],
    ['FORGE_DATABASE_SCHEMA', 'pg_forge', /FORGE_DATABASE_SCHEMA.*pg_forge/],
    ['FORGE_SAMPLE_RATE', '2', /FORGE_SAMPLE_RATE.*2/],
  ])('for %s=%s', async (name, value, message) => {
    const { exitCode, out, err } = await forge('traces list', { [name]: value });
    expect([exitCode, out]).toEqual([1, '']);
    expect(err.replaceAll('\n', ' ')).toMatch(message);
    expect(err).not.toContain('    at ');
  });

  it.each([
    ['sample_rate = 2', /forge\.toml:2.*sample_rate.*2/],
    ['slow_threshold = "abc"', /forge\.toml:2.*slow_threshold.*abc/],
    ['sample_rat = 1', /forge\.toml:2.*sample_rat/],
    ['sample_rate = ', /forge\.toml:2/],
  ])('for a forge.toml with %s', async (line, message) => {
    const file = join(dir, 'forge.toml');
    writeFileSync(file, `[observability.traces]\n${line}\n`);
    const { exitCode, err } = await forge('traces list');
    rmSync(file);
    expect(exitCode).toBe(1);
    expect(err.replaceAll('\n', ' ')).toMatch(message);
  });
});
