import { createQueryHandler } from '@forge/query';
import { toNodeHandler } from '@forge/query/node';
import { createMemoryStore, storageError, StorageCode, type TraceStore } from '@forge/storage';
import { makeSpan } from '@forge/testing';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { runCommand } from '../../test/run-command.ts';
import type { CommandHost } from '../command-host.ts';
import type { OpenStore } from '../open-store.ts';

let dir = '';
beforeAll(() => void (dir = mkdtempSync(join(tmpdir(), 'forge-doctor-'))));
afterAll(() => rmSync(dir, { recursive: true }));

const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    server.close();
  }
});

const exporter = { exporter: 'postgres', away: false };
const description = {
  service: 'shop',
  nodeId: 'n',
  sampling: [],
  instrumentations: [],
  exporters: [exporter],
  counts: {},
};

/** A tracer whose spans arrive in `store`, or get lost. */
function tracerInto(store: TraceStore | undefined, exporters = [exporter]): CommandHost['startTracer'] {
  return () =>
    Promise.resolve({
      async sendSpan() {
        const span = makeSpan({ name: 'forge.doctor' });
        await store?.write([span]);
        return span.traceId;
      },
      describe: () => ({ ...description, exporters }),
      close: () => Promise.resolve(),
    });
}

/** An application that says `info` of itself. */
async function application(info: unknown): Promise<string> {
  const handle = toNodeHandler(createQueryHandler({ store: createMemoryStore(), info: () => info }));
  const server = createServer((request, response) => void handle(request, response));
  servers.push(server);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

interface Report {
  checks: { name: string; status: string; detail: string }[];
  settings: { key: string; value: string; from: string }[];
}

async function examine(
  args: string[],
  host: Partial<CommandHost> = {},
  store = createMemoryStore(),
  env: NodeJS.ProcessEnv = {},
) {
  const { exitCode, out } = await runCommand(['doctor', '--json', ...args], {
    store,
    env: { FORGE_API_PORT: '1', ...env },
    host: { startTracer: tracerInto(store), ...host },
  });
  const report = JSON.parse(out) as Report;
  return { exitCode, report, check: (name: string) => report.checks.find((one) => one.name === name) };
}

it('is content when a span comes back, and takes it out again', async () => {
  const store = createMemoryStore();
  const { exitCode, check } = await examine([], {}, store);
  expect(exitCode).toBe(0);
  expect(check('database')).toMatchObject({ status: 'ok' });
  expect(check('loop')).toMatchObject({
    status: 'ok',
    detail: expect.stringMatching(/^a span was traced, stored and read back in /) as string,
  });
  expect(check('process')).toMatchObject({ status: 'skipped' });
  expect((await store.search({ sort: 'newest', limit: 1 })).traces).toEqual([]);
});

it('says which values are set, where, and hides secrets', async () => {
  const file = join(dir, 'forge.toml');
  writeFileSync(
    file,
    '[observability.traces]\nsample_rate = 0.1\n[observability.api]\nread_token = "very-secret-token-1"\n',
  );
  const { report, check } = await examine(['--config', file]);
  expect(check('configuration')?.detail).toContain('10 % sampled, always errors and slow_requests, slow from 1.00 s');
  const rate = report.settings.find((line) => line.key === 'observability.traces.sample_rate');
  expect(rate).toMatchObject({ value: '0.1', from: expect.stringMatching(/forge\.toml:2$/) as string });
  expect(JSON.stringify(report)).not.toContain('very-secret');
});

it('refuses a wrong configuration before anything else', async () => {
  const file = join(dir, 'wrong.toml');
  writeFileSync(file, '[observability.traces]\nsample_rate = 2\n');
  const { exitCode, err } = await runCommand(['doctor', '--config', file]);
  expect(exitCode).toBe(1);
  expect(err).toMatch(/wrong\.toml:2.*sample_rate.*2/);
});

it('fails when the tables are not there, and goes on with the rest', async () => {
  const missing = storageError(StorageCode.schemaMissing, 'no Forge tables: run "forge migrate"');
  const opened: OpenStore = {
    store: createMemoryStore(),
    database: 'memory',
    settings: {
      api: { host: '127.0.0.1', port: 0, readToken: undefined, writeToken: undefined },
      retention: undefined,
    },
    migrate: () => Promise.reject(missing),
    prepare: () => Promise.reject(missing),
    close: () => Promise.resolve(),
  };
  const { exitCode, check } = await examine([], { openStore: () => Promise.resolve(opened) });
  expect(exitCode).toBe(1);
  expect(check('database')).toEqual({
    name: 'database',
    status: 'failed',
    detail: 'memory: no Forge tables: run "forge migrate"',
  });
  expect(check('loop')).toBeUndefined();
  expect(check('process')).toBeDefined();
});

it('tells an export that takes connections from one that does not', async () => {
  const there = await application({});
  const { exitCode, check } = await examine([], {}, createMemoryStore(), {
    FORGE_ZIPKIN_ENDPOINT: `${there}/api/v2/spans`,
    FORGE_OTLP_ENDPOINT: 'http://127.0.0.1:1',
  });
  expect(check('export to zipkin')?.status).toBe('ok');
  expect(check('export to otlp')).toMatchObject({
    status: 'failed',
    detail: '127.0.0.1:1: connect ECONNREFUSED 127.0.0.1:1',
  });
  expect(exitCode).toBe(1);
});

it('shows what an application traces, what it cannot reach and what it dropped', async () => {
  const url = await application({
    ...description,
    instrumentations: [
      { name: 'http', status: 'enabled', notes: [] },
      { name: 'postgres', status: 'enabled', notes: ['postgres 2.0.0 is outside >=3.4.0 <4'] },
      { name: 'jobs', status: 'failed', notes: ['send failed: boom'] },
      { name: 'grpc', status: 'disabled', notes: [] },
    ],
    exporters: [{ exporter: 'otlp', away: true, lastFailure: 'connection refused' }],
    counts: { forge_spans_started_total: 5, 'forge_spans_dropped_total{reason="queue_full"}': 3 },
  });
  const { exitCode, check } = await examine(['--url', url]);
  expect(check('process')).toEqual({ name: 'process', status: 'ok', detail: `shop at ${url} traces http, postgres` });
  expect(check('tracing postgres')).toMatchObject({
    status: 'warning',
    detail: 'enabled; postgres 2.0.0 is outside >=3.4.0 <4',
  });
  expect(check('tracing jobs')?.status).toBe('failed');
  expect(check('tracing grpc')?.status).toBe('skipped');
  expect(check('export to otlp')).toMatchObject({ status: 'failed', detail: 'connection refused' });
  expect(check('dropped')).toMatchObject({
    status: 'warning',
    detail: '3 forge_spans_dropped_total{reason="queue_full"}',
  });
  expect(exitCode).toBe(1);
});

it('fails where the application that was named does not answer', async () => {
  const { exitCode, check } = await examine(['--url', 'http://127.0.0.1:1']);
  expect(check('process')?.status).toBe('failed');
  expect(exitCode).toBe(1);
});

it('writes a line for each check, marked without colours too', async () => {
  const store = createMemoryStore();
  const { out } = await runCommand(['doctor'], {
    store,
    env: { FORGE_API_PORT: '1' },
    host: { startTracer: tracerInto(store) },
  });
  expect(out).toMatch(/^✓ configuration .*\n✓ database .*\n✓ loop .*\n- process /);
  expect(out).toContain('what is set:\n  observability.api.port  1  (env FORGE_API_PORT)');
});
