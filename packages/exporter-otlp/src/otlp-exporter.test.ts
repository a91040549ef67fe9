import { createHttpBackend, exporterConformance, type ConformanceBackend } from '@forge/export/conformance';
import { decodeOtlpJson, decodeOtlpProtobuf, encodeOtlpResponse } from '@forge/formats';
import { makeSpan } from '@forge/testing';
import type { IncomingMessage } from 'node:http';
import { describe, expect, it } from 'vitest';
import { createGrpcBackend } from '../test/grpc-backend.ts';
import type { OtlpExporterOptions } from './options.ts';
import { createOtlpExporter } from './otlp-exporter.ts';

const STATUS = { accept: 200, busy: 429, refuse: 400 } as const;

interface Seen {
  readonly url: string | undefined;
  readonly headers: IncomingMessage['headers'];
  readonly body: Buffer;
}

function startHttp(
  options: Partial<OtlpExporterOptions>,
  seen: Seen[] = [],
  answer: Uint8Array | string = '',
): Promise<ConformanceBackend> {
  return createHttpBackend({
    createExporter: (origin) => createOtlpExporter({ endpoint: origin, ...options }),
    spansIn(body, request) {
      seen.push({ url: request.url, headers: request.headers, body });
      const { spans } =
        request.headers['content-type'] === 'application/json' ? decodeOtlpJson(body) : decodeOtlpProtobuf(body);
      return spans.map(({ traceId, spanId }) => `${traceId}:${spanId}`);
    },
    answer: (mood, response) =>
      void response
        .writeHead(STATUS[mood], mood === 'busy' ? { 'retry-after': '1' } : {})
        .end(mood === 'accept' ? answer : mood),
  });
}

exporterConformance('OTLP over gRPC', () => createGrpcBackend((endpoint) => createOtlpExporter({ endpoint })));
exporterConformance('OTLP over gRPC with gzip', () =>
  createGrpcBackend((endpoint) => createOtlpExporter({ endpoint, compression: 'gzip' })),
);
exporterConformance('OTLP over HTTP', () => startHttp({ protocol: 'http/protobuf' }));
exporterConformance('OTLP over HTTP with gzip', () => startHttp({ protocol: 'http/protobuf', compression: 'gzip' }));
exporterConformance('OTLP over HTTP as JSON', () => startHttp({ protocol: 'http/json' }));

const signal = () => AbortSignal.timeout(5000);

async function withBackend<T>(
  backend: ConformanceBackend,
  use: (exporter: ReturnType<typeof createOtlpExporter>) => Promise<T>,
): Promise<T> {
  const exporter = backend.createExporter();
  try {
    return await use(exporter);
  } finally {
    await exporter.shutdown();
    await backend.close();
  }
}

describe('OTLP over HTTP', () => {
  it('goes to /v1/traces where the endpoint has no path, with headers and the right type', async () => {
    const seen: Seen[] = [];
    await withBackend(
      await startHttp({ protocol: 'http/protobuf', headers: { Authorization: 'Bearer x' } }, seen),
      (exporter) => exporter.export([makeSpan()], signal()),
    );
    expect(seen).toMatchObject([
      { url: '/v1/traces', headers: { 'content-type': 'application/x-protobuf', authorization: 'Bearer x' } },
    ]);
  });

  it.each([
    ['http/protobuf', encodeOtlpResponse({ rejectedSpans: 3, message: 'too old' })],
    ['http/json', '{"partialSuccess":{"rejectedSpans":"3","errorMessage":"too old"}}'],
  ] as const)('says what the receiver left out of a request by %s', async (protocol, answer) => {
    const result = await withBackend(await startHttp({ protocol }, [], answer), (exporter) =>
      exporter.export([makeSpan()], signal()),
    );
    expect(result).toEqual({ rejected: 3, message: 'too old' });
  });

  it('sends a batch that is too large for one request in parts', async () => {
    const seen: Seen[] = [];
    const spans = Array.from({ length: 10 }, () => makeSpan({ attributes: ['text', 'x'.repeat(1000)] }));
    const backend = await startHttp({ protocol: 'http/protobuf', maxRequestBytes: 3000 }, seen);
    await withBackend(backend, (exporter) => exporter.export(spans, signal()));
    expect(seen.map(({ body }) => decodeOtlpProtobuf(body).spans.length)).toEqual([2, 1, 2, 2, 1, 2]);
    expect(await backend.received()).toHaveLength(10);
  });

  it('waits as long as Retry-After says', async () => {
    const backend = await startHttp({ protocol: 'http/protobuf' });
    await backend.answer('busy');
    const failure = withBackend(backend, (exporter) => exporter.export([makeSpan()], signal()));
    await expect(failure).rejects.toMatchObject({ retryable: true, retryAfterMs: 1000 });
  });
});

describe('OTLP over gRPC', () => {
  it('is tried again when resources are exhausted only where the receiver says when', async () => {
    for (const [retryDelayMs, expected] of [
      [2500, { retryable: true, retryAfterMs: 2500 }],
      [undefined, { retryable: false }],
    ] as const) {
      const backend = await createGrpcBackend((endpoint) => createOtlpExporter({ endpoint }), {
        exhausted: { retryDelayMs },
      });
      await backend.answer('busy');
      await expect(withBackend(backend, (exporter) => exporter.export([makeSpan()], signal()))).rejects.toMatchObject(
        expected,
      );
    }
  });

  it('sends headers as metadata, and says what the receiver left out', async () => {
    const metadata: Record<string, unknown>[] = [];
    const backend = await createGrpcBackend(
      (endpoint) => createOtlpExporter({ endpoint, headers: { 'X-Tenant': 'a' } }),
      {
        metadata,
        response: encodeOtlpResponse({ rejectedSpans: 1, message: 'no' }),
      },
    );
    const result = await withBackend(backend, (exporter) => exporter.export([makeSpan()], signal()));
    expect(result).toEqual({ rejected: 1, message: 'no' });
    expect(metadata).toMatchObject([{ 'x-tenant': 'a' }]);
  });

  it.each(['', 'ftp://x', 'http://'])('refuses the endpoint %j', (endpoint) => {
    expect(() => createOtlpExporter({ endpoint })).toThrow('is no OTLP endpoint');
  });

  it('takes an endpoint without a scheme, as gRPC has them', async () => {
    const backend = await createGrpcBackend((endpoint) =>
      createOtlpExporter({ endpoint: endpoint.replace('http://', '') }),
    );
    await withBackend(backend, (exporter) => exporter.export([makeSpan()], signal()));
    expect(await backend.received()).toHaveLength(1);
  });
});
