import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { ForgeConfig } from '../src/index.ts';
import { KEYS } from '../src/schema.ts';
import { load, TRACES } from './config-folder.ts';

describe('every variable', () => {
  const samples: Record<string, [string, (config: ForgeConfig) => unknown, unknown]> = {
    FORGE_SERVICE_NAME: ['shop', (c) => c.service.name, 'shop'],
    FORGE_SERVICE_ATTRIBUTES: ['a=1,b=x%2Cy', (c) => c.service.attributes, { a: '1', b: 'x,y' }],
    FORGE_TRACES_ENABLED: ['false', (c) => c.traces.enabled, false],
    FORGE_SAMPLE_RATE: ['0.25', (c) => c.traces.sampleRate, 0.25],
    FORGE_ALWAYS_SAMPLE: ['errors', (c) => c.traces.alwaysSample, ['errors']],
    FORGE_SLOW_THRESHOLD: ['250ms', (c) => c.traces.slowThresholdMs, 250],
    FORGE_MAX_KEPT_PER_SECOND: ['7', (c) => c.traces.maxKeptPerSecond, 7],
    FORGE_TRUSTED_PEERS: ['10.0.0.1, 10.0.0.2', (c) => c.traces.trustedPeers, ['10.0.0.1', '10.0.0.2']],
    FORGE_RING_MAX_BYTES: ['2MB', (c) => c.traces.ringMaxBytes, 2_097_152],
    FORGE_RING_MAX_AGE: ['20s', (c) => c.traces.ringMaxAgeMs, 20_000],
    FORGE_DATABASE_URL: ['postgres://h/d', (c) => c.storage.url, 'postgres://h/d'],
    FORGE_DATABASE_SCHEMA: ['tracing', (c) => c.storage.schema, 'tracing'],
    FORGE_DATABASE_RETENTION: ['forever', (c) => c.storage.retentionMs, undefined],
    FORGE_DATABASE_PARTITION: ['day', (c) => c.storage.partition, 'day'],
    FORGE_DATABASE_POOL_SIZE: ['9', (c) => c.storage.maxConnections, 9],
    FORGE_JAEGER_ENDPOINT: ['http://j/t', (c) => c.export.jaegerEndpoint, 'http://j/t'],
    FORGE_ZIPKIN_ENDPOINT: ['http://z/t', (c) => c.export.zipkinEndpoint, 'http://z/t'],
    FORGE_OTLP_ENDPOINT: ['http://o:4317', (c) => c.export.otlpEndpoint, 'http://o:4317'],
    FORGE_OTLP_PROTOCOL: ['http/json', (c) => c.export.otlpProtocol, 'http/json'],
    FORGE_OTLP_HEADERS: ['authorization=Bearer%20x', (c) => c.export.otlpHeaders, { authorization: 'Bearer x' }],
    FORGE_OTLP_COMPRESSION: ['gzip', (c) => c.export.otlpCompression, 'gzip'],
    FORGE_OTLP_TIMEOUT: ['3s', (c) => c.export.otlpTimeoutMs, 3000],
    FORGE_SEMCONV: ['only', (c) => c.export.semconv, 'only'],
    FORGE_QUEUE_MAX_SPANS: ['6000', (c) => c.export.queueMaxSpans, 6000],
    FORGE_QUEUE_MAX_BYTES: ['1MB', (c) => c.export.queueMaxBytes, 1_048_576],
    FORGE_BATCH_MAX_SPANS: ['10', (c) => c.export.batchMaxSpans, 10],
    FORGE_BATCH_DELAY: ['5ms', (c) => c.export.batchDelayMs, 5],
    FORGE_SPOOL_DIR: ['/var/spool/forge', (c) => c.export.spoolDir, '/var/spool/forge'],
    FORGE_SPOOL_MAX_BYTES: ['1GB', (c) => c.export.spoolMaxBytes, 1_073_741_824],
    FORGE_API_HOST: ['0.0.0.0', (c) => c.api.host, '0.0.0.0'],
    FORGE_API_PORT: ['0', (c) => c.api.port, 0],
    FORGE_API_READ_TOKEN: ['r'.repeat(16), (c) => c.api.readToken, 'r'.repeat(16)],
    FORGE_API_WRITE_TOKEN: ['w'.repeat(16), (c) => c.api.writeToken, 'w'.repeat(16)],
    FORGE_COLLECTOR_ENABLED: ['1', (c) => c.collector.enabled, true],
    FORGE_COLLECTOR_HOST: ['::', (c) => c.collector.host, '::'],
    FORGE_COLLECTOR_OTLP_GRPC_PORT: ['1', (c) => c.collector.otlpGrpcPort, 1],
    FORGE_COLLECTOR_OTLP_HTTP_PORT: ['2', (c) => c.collector.otlpHttpPort, 2],
    FORGE_COLLECTOR_ZIPKIN_PORT: ['3', (c) => c.collector.zipkinPort, 3],
    FORGE_COLLECTOR_JAEGER_PORT: ['4', (c) => c.collector.jaegerPort, 4],
    FORGE_COLLECTOR_TOKEN: ['t'.repeat(16), (c) => c.collector.token, 't'.repeat(16)],
    FORGE_INSTRUMENT_IGNORE_PATHS: ['/a,/b', (c) => c.instrument.ignorePaths, ['/a', '/b']],
    FORGE_INSTRUMENT_REDACT: ['user.email', (c) => c.instrument.redact, ['user.email']],
    FORGE_INSTRUMENT_CAPTURE_QUERY_VALUES: ['true', (c) => c.instrument.captureQueryValues, true],
    FORGE_INSTRUMENT_HTTP: ['false', (c) => c.instrument.plugins, { http: false }],
  };

  it.each(Object.entries(samples))('%s reaches its place', (name, [text, read, expected]) => {
    expect(read(load('', { [name]: text }).config)).toEqual(expected);
  });

  it('is tried here and told in the README', () => {
    const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8');
    const rows = new Map([...readme.matchAll(/^\| `(\w+)` +\| `(FORGE_\w+)` +\|/gm)].map(([, key, env]) => [env, key]));
    for (const [path, { env }] of KEYS) {
      expect(Object.keys(samples)).toContain(env);
      expect(rows.get(env ?? '')).toBe(path.split('.').at(-1));
    }
  });
});

describe("OpenTelemetry's variables", () => {
  it('name the service and its attributes', () => {
    const { config, provenance } = load('[service]\nname = "file"\nattributes = { a = "file", b = "file" }', {
      OTEL_RESOURCE_ATTRIBUTES: 'service.name=ignored,service.version=1%2E2,b=otel',
      OTEL_SERVICE_NAME: 'shop',
    });
    expect(config.service).toEqual({ name: 'shop', attributes: { a: 'file', b: 'otel', 'service.version': '1.2' } });
    expect(provenance.get('service.name')).toBe('env OTEL_SERVICE_NAME');
    expect(load('', { OTEL_RESOURCE_ATTRIBUTES: 'service.name=only' }).config.service.name).toBe('only');
  });

  it.each([
    ['always_on', undefined, 1],
    ['always_off', undefined, 0],
    ['parentbased_always_off', undefined, 0],
    ['traceidratio', '0.05', 0.05],
    ['parentbased_traceidratio', '0.5', 0.5],
    ['traceidratio', undefined, 1],
  ])('choose the rate: %s %s', (sampler, argument, rate) => {
    const env = { OTEL_TRACES_SAMPLER: sampler, ...(argument && { OTEL_TRACES_SAMPLER_ARG: argument }) };
    expect(load(`${TRACES}sample_rate = 0.7`, env).config.traces.sampleRate).toBe(rate);
  });

  it('switch tracing off', () => {
    expect(load('', { OTEL_SDK_DISABLED: 'true' }).config.traces.enabled).toBe(false);
  });

  it.each([
    [{ OTEL_EXPORTER_OTLP_ENDPOINT: 'http://c:4318' }, 'http://c:4318/v1/traces', 'http/protobuf'],
    [{ OTEL_EXPORTER_OTLP_ENDPOINT: 'http://c:4318/base/' }, 'http://c:4318/base/v1/traces', 'http/protobuf'],
    [{ OTEL_EXPORTER_OTLP_ENDPOINT: 'http://c:4317' }, 'http://c:4317', 'grpc'],
    [{ OTEL_EXPORTER_OTLP_ENDPOINT: 'http://c:1', OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc' }, 'http://c:1', 'grpc'],
    [
      { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://a:1', OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'http://t:1/x' },
      'http://t:1/x',
      'http/protobuf',
    ],
  ])('send spans where they say: %j', (env, otlpEndpoint, otlpProtocol) => {
    expect(load('', env).config.export).toMatchObject({ otlpEndpoint, otlpProtocol });
  });

  it('set headers, timeout and compression, those of traces first', () => {
    const { config } = load('', {
      OTEL_EXPORTER_OTLP_HEADERS: 'a=1',
      OTEL_EXPORTER_OTLP_TRACES_HEADERS: 'api-key=a%20b',
      OTEL_EXPORTER_OTLP_TIMEOUT: '2500',
      OTEL_EXPORTER_OTLP_COMPRESSION: 'gzip',
    });
    expect(config.export).toMatchObject({
      otlpHeaders: { 'api-key': 'a b' },
      otlpTimeoutMs: 2500,
      otlpCompression: 'gzip',
    });
  });

  it('are ignored where they are wrong, with a warning that does not show the value', () => {
    const { config, warnings } = load('', {
      OTEL_RESOURCE_ATTRIBUTES: 'SECRET',
      OTEL_TRACES_SAMPLER: 'jaeger_remote',
      OTEL_EXPORTER_OTLP_ENDPOINT: 'SECRET',
      OTEL_EXPORTER_OTLP_PROTOCOL: 'SECRET',
      OTEL_EXPORTER_OTLP_HEADERS: 'SECRET',
      OTEL_EXPORTER_OTLP_TIMEOUT: 'SECRET',
      OTEL_EXPORTER_OTLP_COMPRESSION: 'SECRET',
    });
    expect(config).toEqual(load('').config);
    expect(warnings).toHaveLength(7);
    expect(warnings.join()).not.toContain('SECRET');
  });
});
