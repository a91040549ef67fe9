import { ForgeError, Status } from '@forge/core';
import type { PageJson, TraceJson } from '@forge/query';
import { createQueryHandler } from '@forge/query';
import { toNodeHandler } from '@forge/query/node';
import { createMemoryStore, type TraceStore } from '@forge/storage';
import { makeSpan } from '@forge/testing';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, it } from 'vitest';
import { runCommand } from '../test/run-command.ts';

const START_US = Date.UTC(2026, 10, 22, 17, 48, 28) * 1000 + 123_456;
const root = makeSpan({
  traceId: '0af7651916cd43dd8448eb211c80319c',
  resource: 'POST /api/orders',
  startUnixUs: START_US,
  durationUs: 1_020_000,
  origin: { serviceName: 'gateway', nodeId: undefined, attributes: [] },
});
const failed = makeSpan({
  traceId: root.traceId,
  parentSpanId: root.spanId,
  name: 'function.execute',
  resource: 'create_order',
  startUnixUs: START_US + 1000,
  durationUs: 5000,
  status: Status.error,
  statusMessage: 'declined',
  attributes: ['user_id', '7'],
});
const other = makeSpan({ startUnixUs: START_US + 5_000_000, durationUs: 900 });
const spans = [root, failed, other];

describe('forge traces list', () => {
  it('shows the traces that match, newest first', async () => {
    const { exitCode, out, err } = await runCommand(['traces', 'list'], { spans, env: { COLUMNS: '140' } });
    expect(exitCode).toBe(0);
    expect(err).toBe('');
    expect(out.split('\n')).toEqual([
      'start (UTC)              trace                             duration  spans  errors  kept  service  root',
      `2026-11-22 17:48:33.123  ${other.traceId}    900 µs      1          head  test     http.request`,
      `2026-11-22 17:48:28.123  ${root.traceId}    1.02 s      2     ✗ 1  head  gateway  http.request POST /api/orders`,
      '',
    ]);
  });

  it.each([
    ['--operation create_order --min-duration 5', 1],
    ['--operation create_order --min-duration 5.001', 0],
    ['--status error', 1],
    ['--tag user_id=7', 1],
    ['--tag user_id=8', 0],
    ['--service gateway --max-duration 2s', 1],
    ['--text DECLINED', 1],
    ['--start 2026-11-22T17:48:30Z', 1],
    ['--end 2026-11-22T17:48:30Z', 1],
    ['--sort most_spans --limit 1', 1],
  ])('takes the filters of the API: %s', async (options, count) => {
    const { out } = await runCommand(['traces', 'list', '--json', ...options.split(' ')], { spans });
    expect((JSON.parse(out) as PageJson).traces).toHaveLength(count);
  });

  it('names the cursor of the next page, beside the answer', async () => {
    const { out, err } = await runCommand(['traces', 'list', '--limit', '1'], { spans });
    expect(out).not.toContain('cursor');
    const cursor = /--cursor (\S+)/.exec(err)![1];
    const next = await runCommand(['traces', 'list', '--json', '--cursor', cursor], { spans });
    expect((JSON.parse(next.out) as PageJson).traces.map((trace) => trace.trace_id)).toEqual([root.traceId]);
  });

  it('says so where nothing matches, and answers an empty page in JSON', async () => {
    expect(await runCommand(['traces', 'list'])).toEqual({ exitCode: 0, out: '', err: 'no trace matches\n' });
    expect((await runCommand(['traces', 'list', '--json'])).out).toBe('{"traces":[],"next_cursor":null}\n');
  });
});

describe('forge traces get', () => {
  it('draws the waterfall, without colours where nobody looks', async () => {
    const { exitCode, out } = await runCommand(['traces', 'get', root.traceId], { spans });
    expect(exitCode).toBe(0);
    expect(out).toContain('✗ └─ function.execute create_order');
    expect(out).not.toContain('\u001b');
  });

  it('fits the terminal and paints there, unless NO_COLOR is set', async () => {
    const painted = await runCommand(['traces', 'get', root.traceId], { spans, isTTY: true });
    expect(painted.out).toContain('\u001b[31m');
    const plain = await runCommand(['traces', 'get', root.traceId], { spans, isTTY: true, env: { NO_COLOR: '1' } });
    expect(plain.out).not.toContain('\u001b');
    expect(Math.max(...plain.out.split('\n').map((line) => line.length))).toBeLessThanOrEqual(100);
  });

  it('answers what the API answers with --json', async () => {
    const { out } = await runCommand(['traces', 'get', root.traceId, '--json'], { spans });
    const trace = JSON.parse(out) as TraceJson;
    expect(trace.spans.map((span) => span.span_id)).toEqual([root.spanId, failed.spanId]);
  });

  it('shows errors only, or fewer levels, where asked', async () => {
    const errors = await runCommand(['traces', 'get', other.traceId, '--errors'], { spans });
    expect(errors.out).toContain('no span to show');
    const shallow = await runCommand(['traces', 'get', root.traceId, '--depth', '0'], { spans });
    expect(shallow.out).toContain('(+1)');
  });

  it('ends with 2 where the trace is not stored', async () => {
    const { exitCode, err } = await runCommand(['traces', 'get', '1'.repeat(32)], { spans });
    expect(exitCode).toBe(2);
    expect(err).toMatch(/^error: no trace 1{32} is stored: .*\n$/);
  });
});

describe('one clear message, and exit code 1', () => {
  it.each([
    ['traces list --min-duration fast', 'error: --min-duration: "fast" is not allowed; allowed: milliseconds'],
    ['traces list --limit 1001', 'error: --limit: "1001" is not allowed; allowed: a whole number from 1 to 1000'],
    ['traces list --sort oldest', 'error: --sort: "oldest" is not allowed; allowed: newest, longest'],
    ['traces list --tag user', "error: option '-t, --tag <key=value>' argument 'user' is invalid. Allowed: KEY=VALUE."],
    ['traces get abc-123', 'error: id: "abc-123" is not allowed; allowed: 32 hexadecimal digits'],
    [
      'traces get 00000000000000000000000000000001 --width 5',
      'error: --width: "5" is not allowed; allowed: a whole number from 32',
    ],
    ['traces list --colour', "error: unknown option '--colour'"],
    ['trace', "error: unknown command 'trace'"],
    ['traces list --url localhost:8080', 'error: --url: "localhost:8080" is not allowed; allowed: http://HOST:PORT'],
    ['traces list --url http://127.0.0.1:1', 'error: http://127.0.0.1:1/_api cannot be reached: '],
  ])('forge %s', async (line, message) => {
    const { exitCode, out, err } = await runCommand(line.split(' '));
    expect(exitCode).toBe(1);
    expect(out).toBe('');
    expect(err).toContain(message);
    expect(err).not.toContain('    at ');
  });

  it('passes on what the database says, and shows stacks only for FORGE_DEBUG', async () => {
    const cause = new Error('connect ECONNREFUSED');
    const failure = new ForgeError('FORGE_STORAGE_UNAVAILABLE', 'searching: connect ECONNREFUSED 10.0.0.5:5432', {
      cause,
      retryable: true,
    });
    const store: TraceStore = { ...createMemoryStore(), search: () => Promise.reject(failure) };
    const plain = await runCommand(['traces', 'list'], { store });
    expect(plain).toEqual({ exitCode: 1, out: '', err: 'error: searching: connect ECONNREFUSED 10.0.0.5:5432\n' });
    const debug = await runCommand(['traces', 'list'], { store, env: { FORGE_DEBUG: '1' } });
    expect(debug.err).toContain('    at ');
    expect(debug.err).toContain('Error: connect ECONNREFUSED\n');
  });
});

it('asks the API of a running process with --url, and shows its token', async () => {
  const store = createMemoryStore();
  await store.write(spans);
  const handle = toNodeHandler(createQueryHandler({ store, readToken: 's3cret' }));
  const server = createServer((request, response) => void handle(request, response));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  try {
    const asked = await runCommand(['traces', 'list', '--url', url, '--token', 's3cret', '--json']);
    expect((JSON.parse(asked.out) as PageJson).traces).toHaveLength(2);
    expect(
      (await runCommand(['traces', 'list', '--url', `${url}/_api`], { env: { FORGE_TOKEN: 's3cret' } })).exitCode,
    ).toBe(0);
    const refused = await runCommand(['traces', 'list', '--url', url]);
    expect(refused).toEqual({ exitCode: 1, out: '', err: 'error: a token is needed: Authorization: Bearer TOKEN\n' });
  } finally {
    server.closeAllConnections();
    server.close();
  }
});

it('migrates, and says from where to where', async () => {
  expect((await runCommand(['migrate'])).out).toBe(
    'the schema of memory went from version 0 to 1: create_forge_traces\n',
  );
  expect((await runCommand(['migrate', '--json'])).out).toBe(
    '{"database":"memory","from":0,"to":1,"applied":["create_forge_traces"]}\n',
  );
});

it('shows help and version, with exit code 0', async () => {
  const help = await runCommand(['--help']);
  expect(help.exitCode).toBe(0);
  expect(help.out).toContain('Exit codes: 0 done');
  expect((await runCommand(['--version'])).out).toMatch(/^\d+\.\d+\.\d+\n$/);
});
