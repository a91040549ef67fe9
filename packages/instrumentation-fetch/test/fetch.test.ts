import http from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { expect, it, onTestFinished } from 'vitest';
import { Decision } from '@forge/core';
import { createRegistry } from '@forge/instrumentation';
import { createPropagation } from '@forge/propagation';
import { createRecorder, type Recorder } from '@forge/testing';
import { fetch as fetchPlugin, type FetchOptions } from '../src/index.ts';

function startTracing(options?: FetchOptions): Recorder {
  const recorder = createRecorder();
  const registry = createRegistry({
    provider: recorder.provider,
    propagation: createPropagation({ trusted: () => true }),
    diagnostics: recorder.diagnostics,
  });
  registry.enable([fetchPlugin(options)]);
  onTestFinished(() => registry.disable());
  return recorder;
}

/** A server that answers with the headers it got, until the end of the test; returns its origin. */
async function mirror(): Promise<string> {
  const server = http.createServer((request, response) => {
    const [, traceId, spanId] = String(request.headers.traceparent).split('-');
    response.setHeader('set-cookie', 'PLANTED');
    if (request.url === '/kept') response.setHeader('traceresponse', `00-${traceId}-${spanId}-01`);
    response.end(JSON.stringify(request.headers));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

async function get(url: string, init?: RequestInit): Promise<Record<string, string>> {
  return (await (await fetch(url, init)).json()) as Record<string, string>;
}

it('sends its own context in the place of any other, and names its host', async () => {
  const recorder = startTracing();
  const origin = await mirror();
  const seen = await get(`${origin}/orders`, { headers: { TraceParent: 'not-ours', 'x-own': '1' } });
  await recorder.ended(1);
  const span = recorder.only('http.client');
  expect(seen['traceparent']).toBe(`00-${span.traceId}-${span.spanId}-03`);
  expect(seen['x-own']).toBe('1');
  expect(span.resource).toBe(origin.slice('http://'.length));
});

it('shows no secret of the headers, the URL or the answer', async () => {
  const recorder = startTracing();
  const origin = await mirror();
  const headers = { authorization: 'Bearer PLANTED', cookie: 'PLANTED' };
  await get(`${origin}/pay?card=PLANTED&PLANTED`, { method: 'POST', headers, body: 'PLANTED' });
  await recorder.ended(1);
  const span = recorder.only('http.client');
  expect(recorder.tags(span)['url']).toBe(`${origin}/pay?card=REDACTED&REDACTED`);
  expect(JSON.stringify([span.attributes, span.events])).not.toContain('PLANTED');
});

it('drops or keeps the query, and redacts further, as it is told', async () => {
  const origin = await mirror();
  const urlWith = async (options: FetchOptions): Promise<unknown> => {
    const recorder = startTracing(options);
    await get(`${origin}/reset/token-abc?x=1`);
    await recorder.ended(1);
    return recorder.tags(recorder.only('http.client'))['url'];
  };
  expect(await urlWith({ query: 'drop' })).toBe(`${origin}/reset/token-abc`);
  expect(await urlWith({ query: 'keep' })).toBe(`${origin}/reset/token-abc?x=1`);
  expect(await urlWith({ redactUrl: (url) => url.replace(/token-\w+/, '***') })).toBe(`${origin}/reset/***?x=REDACTED`);
});

it('leaves calls to ignored hosts alone, by name with or without the port', async () => {
  const origin = await mirror();
  for (const host of [origin.slice('http://'.length), '127.0.0.1']) {
    const recorder = startTracing({ ignoreHosts: [host] });
    expect(await get(origin)).not.toHaveProperty('traceparent');
    expect(recorder.spans).toEqual([]);
  }
});

it('keeps its trace when the called side answers that it did', async () => {
  const recorder = startTracing();
  await get(`${await mirror()}/kept`);
  await recorder.ended(1);
  const { trace } = recorder.only('http.client');
  expect([trace.decision, trace.keepReason]).toEqual([Decision.kept, 'peer']);
});
