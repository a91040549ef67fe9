import { createHttpBackend, exporterConformance } from '@forge/export/conformance';
import { decodeJaegerThrift } from '@forge/formats';
import { makeSpan } from '@forge/testing';
import { expect, it } from 'vitest';
import { createJaegerExporter } from './jaeger-exporter.ts';

const STATUS = { accept: 202, busy: 503, refuse: 400 } as const;

/** @param failing the number of a request that is answered with 503 */
function startFakeJaeger(seen: unknown[] = [], failing = -1) {
  let requests = 0;
  return createHttpBackend({
    createExporter: (origin) => createJaegerExporter({ endpoint: origin }),
    spansIn(body, request) {
      if (++requests === failing) return [];
      const { spans } = decodeJaegerThrift(body);
      seen.push({
        url: request.url,
        services: new Set(spans.map(({ origin }) => origin.serviceName)),
        ...request.headers,
      });
      return spans.map(({ traceId, spanId }) => `${traceId}:${spanId}`);
    },
    answer: (mood, response) => void response.writeHead(requests === failing ? 503 : STATUS[mood]).end(mood),
  });
}

exporterConformance('jaeger', () => startFakeJaeger());

it("posts Thrift to the collector's path, a request a process", async () => {
  const seen: unknown[] = [];
  const backend = await startFakeJaeger(seen);
  const exporter = backend.createExporter();
  const of = (serviceName: string) => makeSpan({ origin: { serviceName, nodeId: undefined, attributes: [] } });
  await exporter.export([of('a'), of('b'), of('a')], AbortSignal.timeout(5000));
  expect(seen).toEqual([
    expect.objectContaining({ url: '/api/traces', 'content-type': 'application/x-thrift', services: new Set(['a']) }),
    expect.objectContaining({ services: new Set(['b']) }),
  ]);
  await exporter.shutdown();
  await backend.close();
});

it('sends only what is left of a batch whose first part was taken', async () => {
  const backend = await startFakeJaeger([], 2);
  const exporter = backend.createExporter();
  const spans = ['a', 'b', 'c'].map((serviceName) =>
    makeSpan({ traceId: '5af7183fb1d4cf5f', origin: { serviceName, nodeId: undefined, attributes: [] } }),
  );
  await expect(exporter.export(spans, AbortSignal.timeout(5000))).rejects.toMatchObject({ retryable: true });
  expect(await backend.received()).toHaveLength(1);
  await exporter.export(spans, AbortSignal.timeout(5000));
  expect(await backend.received()).toEqual(spans.map(({ traceId, spanId }) => `${traceId}:${spanId}`));
  await exporter.shutdown();
  await backend.close();
});

it('refuses an endpoint that is no URL', () => {
  expect(() => createJaegerExporter({ endpoint: 'jaeger:14268' })).toThrow('is no http or https URL');
});
