import { Status } from '@forge/core';
import type { RatesJson, SummaryJson } from '@forge/query';
import { createMemoryStore } from '@forge/storage';
import { makeSpan } from '@forge/testing';
import { once } from 'node:events';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { describe, expect, it } from 'vitest';
import { runCommand } from '../../test/run-command.ts';
import { sparkline } from './top.ts';

const now = (): number => Date.now() * 1000;

/** An output that tells when it holds a text. */
function watched() {
  let text = '';
  const waiting: { part: string; resolve: () => void }[] = [];
  return {
    isTTY: false,
    write(more: string) {
      text += more;
      for (const { part, resolve } of waiting) if (text.includes(part)) resolve();
    },
    text: () => text,
    holds: (part: string) =>
      new Promise<void>((resolve) => {
        if (text.includes(part)) resolve();
        else waiting.push({ part, resolve });
      }),
  };
}

describe('forge tail', () => {
  it('writes a line for each new trace that matches, until it is interrupted', async () => {
    const store = createMemoryStore();
    const interrupt = new AbortController();
    const stdout = watched();
    const searched = watchSearches(store);
    const running = runCommand(['tail', '--service', 'gateway'], {
      store: searched.store,
      host: { stdout, signal: interrupt.signal },
    });
    await searched.first;
    const origin = { serviceName: 'gateway', nodeId: undefined, attributes: [] };
    const match = makeSpan({
      startUnixUs: now(),
      durationUs: 1_020_000,
      resource: 'POST /api/orders',
      status: Status.error,
      origin,
    });
    await store.write([match, makeSpan({ startUnixUs: now() })]);
    await stdout.holds(match.traceId);
    interrupt.abort();
    expect((await running).exitCode).toBe(0);
    expect(stdout.text()).toMatch(
      /^\d\d:\d\d:\d\d\.\d{3} {2}[0-9a-f]{32} {4}1\.02 s {2}gateway {2}http\.request POST \/api\/orders {2}1 span, ✗ 1\n$/,
    );
  });

  it('writes an object a line with --json', async () => {
    const store = createMemoryStore();
    const interrupt = new AbortController();
    const stdout = watched();
    const searched = watchSearches(store);
    const running = runCommand(['tail', '--json'], {
      store: searched.store,
      host: { stdout, signal: interrupt.signal },
    });
    await searched.first;
    const span = makeSpan({ startUnixUs: now() });
    await store.write([span]);
    await stdout.holds('\n');
    interrupt.abort();
    await running;
    expect((JSON.parse(stdout.text()) as SummaryJson).trace_id).toBe(span.traceId);
  });

  it('refuses a wrong filter', async () => {
    expect(await runCommand(['tail', '--status', 'bad'])).toMatchObject({
      exitCode: 1,
      err: 'error: --status: "bad" is not allowed; allowed: ok, error\n',
    });
  });
});

function watchSearches(store: ReturnType<typeof createMemoryStore>) {
  let resolve!: () => void;
  const first = new Promise<void>((done) => (resolve = done));
  return {
    first,
    store: {
      ...store,
      search: async (query: Parameters<typeof store.search>[0]) => {
        const page = await store.search(query);
        resolve();
        return page;
      },
    },
  };
}

describe('forge top', () => {
  const origin = { serviceName: 'gateway', nodeId: undefined, attributes: [] };
  const requests = (count: number, fields: object) =>
    Array.from({ length: count }, () => makeSpan({ kind: 1, startUnixUs: now() - 1000, origin, ...fields }));

  it('shows operations by requests, with errors and latencies, once where nobody looks', async () => {
    const spans = [
      ...requests(30, { resource: 'POST /api/orders', durationUs: 150_000 }),
      ...requests(3, { resource: 'GET /api/orders/:id', durationUs: 2000, status: Status.error }),
      makeSpan({ name: 'db.query', startUnixUs: now() - 1000 }),
    ];
    const { exitCode, out } = await runCommand(['top'], { spans });
    expect(exitCode).toBe(0);
    const lines = out.trimEnd().split('\n');
    expect(lines).toHaveLength(3);
    expect(lines[1]).toMatch(/^ +30 +0\.0\d+ +150 ms +150 ms +150 ms .* gateway {2}http\.request POST \/api\/orders$/);
    expect(lines[2]).toMatch(/^ +3 .* ✗ 100 % +2\.00 ms .*http\.request GET \/api\/orders\/:id$/);
    expect((await runCommand(['top', '--all'], { spans })).out).toContain('db.query');
    expect((await runCommand(['top', '--limit', '1'], { spans })).out).toContain('1 more with --limit');
  });

  it('answers the API’s rates with --json, and says so where nothing came in', async () => {
    const { out } = await runCommand(['top', '--json'], { spans: requests(2, {}) });
    expect((JSON.parse(out) as RatesJson).series[0].total.requests).toBe(2);
    expect((await runCommand(['top'])).out).toBe('nothing came in\n');
  });

  it('refreshes on a terminal, and leaves it as it was', async () => {
    const interrupt = new AbortController();
    const stdout = { ...watched(), isTTY: true, columns: 100 };
    const running = runCommand(['top'], { spans: requests(1, {}), host: { stdout, signal: interrupt.signal } });
    await stdout.holds('Ctrl-C ends');
    interrupt.abort();
    expect((await running).exitCode).toBe(0);
    expect(stdout.text().startsWith('\u001b[?1049h')).toBe(true);
    expect(stdout.text().endsWith('\u001b[?1049l')).toBe(true);
  });

  it('refuses a wrong window', async () => {
    expect((await runCommand(['top', '--window', 'long'])).err).toContain(
      '--window: "long" is not allowed; allowed: a time with its unit, such as 15m',
    );
  });

  it('draws numbers as blocks, the highest full, and nothing as nothing', () => {
    expect(sparkline([0, 1, 4, 8])).toBe(' ▁▄█');
    expect(sparkline([0, 0])).toBe('  ');
    expect(sparkline(Array(60).fill(1))).toBe('█'.repeat(15));
  });
});

describe('forge serve', () => {
  it('serves the API until it is interrupted, then frees the port', async () => {
    const span = makeSpan();
    const interrupt = new AbortController();
    const stdout = watched();
    const running = runCommand(['serve', '--json'], { spans: [span], host: { stdout, signal: interrupt.signal } });
    await stdout.holds('\n');
    const { url } = JSON.parse(stdout.text()) as { url: string };
    const response = await fetch(`${url}/_api/traces/${span.traceId}`);
    expect(response.status).toBe(200);
    await response.arrayBuffer();
    const jaegers = await fetch(`${url}/api/traces/${span.traceId}`);
    expect(await jaegers.json()).toMatchObject({ data: [{ traceID: span.traceId }] });
    expect((await fetch(`${url}/api/nothing`)).status).toBe(404);
    interrupt.abort();
    expect((await running).exitCode).toBe(0);
    await expect(fetch(`${url}/_api/traces`)).rejects.toThrow('fetch failed');
  });

  it('says which port is used, and what else is wrong', async () => {
    const taken = createServer().listen(0, '127.0.0.1');
    await once(taken, 'listening');
    const { port } = taken.address() as AddressInfo;
    const { exitCode, err } = await runCommand(['serve', '--port', String(port)]);
    taken.close();
    expect(exitCode).toBe(1);
    expect(err).toBe(
      `error: port ${port} of 127.0.0.1 is used by another program; allowed: a free one, 0 for any (--port)\n`,
    );
    expect((await runCommand(['serve', '--port', '70000'])).err).toContain(
      '--port: "70000" is not allowed; allowed: a whole number from 0 to 65535',
    );
    expect((await runCommand(['serve', '--host', '203.0.113.1'])).err).toContain(
      '203.0.113.1 is no address of this machine',
    );
  });
});

describe('forge open', () => {
  it('opens the viewer at the trace, and prints where it is', async () => {
    const interrupt = new AbortController();
    const stdout = watched();
    const running = runCommand(['serve', '--json'], { host: { stdout, signal: interrupt.signal } });
    await stdout.holds('\n');
    const { url } = JSON.parse(stdout.text()) as { url: string };
    const opened: string[] = [];
    const openBrowser = (address: string) => Promise.resolve(opened.push(address) > 0);
    const { exitCode, out } = await runCommand(['open', 'a'.repeat(32), '--url', `${url}/_api`], {
      host: { openBrowser },
    });
    interrupt.abort();
    await running;
    expect([exitCode, out, opened]).toEqual([
      0,
      `${url}/traces/${'a'.repeat(32)}\n`,
      [`${url}/traces/${'a'.repeat(32)}`],
    ]);
  });

  it('says what to start where nothing listens', async () => {
    const { exitCode, err } = await runCommand(['open', '--url', 'http://127.0.0.1:1']);
    expect([exitCode, err]).toEqual([
      1,
      'error: nothing listens on http://127.0.0.1:1: start "forge serve" first, or name where it listens with --url\n',
    ]);
  });
});
