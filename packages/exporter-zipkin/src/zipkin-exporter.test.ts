import { createHttpBackend, exporterConformance } from '@forge/export/conformance';
import { decodeZipkinJson } from '@forge/formats';
import { makeSpan } from '@forge/testing';
import { expect, it } from 'vitest';
import { createZipkinExporter, type ZipkinExporterOptions } from './zipkin-exporter.ts';

const STATUS = { accept: 202, busy: 503, refuse: 400 } as const;

function startFakeZipkin(options: Partial<ZipkinExporterOptions> = {}, seen: unknown[] = []) {
  return createHttpBackend({
    createExporter: (origin) => createZipkinExporter({ endpoint: origin, ...options }),
    spansIn(body, request) {
      seen.push({ url: request.url, ...request.headers });
      return decodeZipkinJson(body).spans.map(({ traceId, spanId }) => `${traceId}:${spanId}`);
    },
    answer: (mood, response) =>
      void response.writeHead(STATUS[mood], mood === 'busy' ? { 'retry-after': '2' } : {}).end(mood),
  });
}

exporterConformance('zipkin', () => startFakeZipkin());
exporterConformance('zipkin with gzip', () => startFakeZipkin({ compression: 'gzip' }));

it("posts JSON to Zipkin's path, with the given headers", async () => {
  const seen: unknown[] = [];
  const backend = await startFakeZipkin({ headers: { 'X-Tenant': 'a' } }, seen);
  const exporter = backend.createExporter();
  await exporter.export([makeSpan()], AbortSignal.timeout(5000));
  expect(seen).toEqual([
    expect.objectContaining({ url: '/api/v2/spans', 'content-type': 'application/json', 'x-tenant': 'a' }),
  ]);
  await exporter.shutdown();
  await backend.close();
});

it('refuses an endpoint that is no URL', () => {
  expect(() => createZipkinExporter({ endpoint: 'zipkin:9411' })).toThrow('"zipkin:9411" is no http or https URL');
});
