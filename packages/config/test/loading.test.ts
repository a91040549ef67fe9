import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { loadConfig, type LoadedConfig } from '../src/index.ts';
import { cwd, load, problems, TRACES } from './config-folder.ts';

describe('the configuration', () => {
  it('has defaults for everything', () => {
    const { config, file, warnings } = load(undefined);
    expect(file).toBeUndefined();
    expect(warnings).toEqual([]);
    expect(config.traces).toEqual({
      enabled: true,
      sampleRate: 1,
      alwaysSample: ['errors', 'slow_requests'],
      slowThresholdMs: 1000,
      maxKeptPerSecond: 500,
      trustedPeers: false,
      ringMaxBytes: 33_554_432,
      ringMaxAgeMs: 10_000,
      overrides: [],
    });
    expect(config.storage).toEqual({
      url: undefined,
      schema: 'public',
      retentionMs: 604_800_000,
      partition: 'auto',
      maxConnections: 6,
    });
    expect(config.api).toMatchObject({ host: '127.0.0.1', port: 8080, readToken: undefined });
    expect(config.collector).toMatchObject({
      enabled: false,
      host: '127.0.0.1',
      otlpGrpcPort: 4317,
      otlpHttpPort: 4318,
      zipkinPort: 9411,
      jaegerPort: 14_268,
    });
    expect(config.export.spoolDir).toBe(join(cwd, '.forge', 'spool'));
    expect(config.instrument.ignorePaths).toContain('/healthz');
  });

  it('reads the sections of the specification as they stand there', () => {
    const { config } = load(`
[observability.traces]
# Sample rate (0.0 - 1.0)
sample_rate = 0.1  # 10% of requests
# Always trace these
always_sample = [
    "errors",        # All errors
    "slow_requests", # Requests > 1s
]
# Slow request threshold
slow_threshold = "1s"
[observability.export]
jaeger_endpoint = "http://jaeger:14268/api/traces"
zipkin_endpoint = "http://zipkin:9411/api/v2/spans"
otlp_endpoint = "http://otel-collector:4317"
otlp_protocol = "grpc"
`);
    expect(config.traces).toMatchObject({ sampleRate: 0.1, slowThresholdMs: 1000 });
    expect(config.export).toMatchObject({
      jaegerEndpoint: 'http://jaeger:14268/api/traces',
      zipkinEndpoint: 'http://zipkin:9411/api/v2/spans',
      otlpEndpoint: 'http://otel-collector:4317',
      otlpProtocol: 'grpc',
    });
  });

  it('is frozen through and through', () => {
    const { config } = load(`${TRACES}override = [{ service = "a", sample_rate = 1 }]`);
    const open: string[] = [];
    const look = (value: unknown, path: string): void => {
      if (typeof value !== 'object' || value === null) return;
      if (!Object.isFrozen(value)) open.push(path);
      for (const [name, inner] of Object.entries(value)) look(inner, `${path}.${name}`);
    };
    look(config, 'config');
    expect(open).toEqual([]);
  });

  it('finds forge.toml upward, and FORGE_CONFIG instead of it', () => {
    const below = join(cwd, 'apps', 'gateway');
    mkdirSync(below, { recursive: true });
    writeFileSync(join(cwd, 'forge.toml'), '[service]\nname = "up"');
    writeFileSync(join(cwd, 'other.toml'), '[service]\nname = "other"');
    expect(loadConfig({ cwd: below, env: {} })).toMatchObject({
      file: join(cwd, 'forge.toml'),
      config: { service: { name: 'up' } },
    });
    expect(loadConfig({ cwd: below, env: { FORGE_CONFIG: '../../other.toml' } }).config.service.name).toBe('other');
    expect(() => loadConfig({ cwd, env: { FORGE_CONFIG: 'gone.toml' } })).toThrow(/gone.toml cannot be read: ENOENT/);
  });

  it('takes options over FORGE_, over OTEL_, over the file, over the default, and knows which it was', () => {
    const toml = `${TRACES}sample_rate = 0.5\nslow_threshold = "2s"`;
    const otel = { OTEL_TRACES_SAMPLER: 'traceidratio', OTEL_TRACES_SAMPLER_ARG: '0.4' };
    const rate = 'observability.traces.sample_rate';
    const steps: [LoadedConfig, number, string][] = [
      [load(''), 1, 'default'],
      [load(toml), 0.5, 'forge.toml:2'],
      [load(toml, otel), 0.4, 'env OTEL_TRACES_SAMPLER'],
      [load(toml, { ...otel, FORGE_SAMPLE_RATE: '0.3' }), 0.3, 'env FORGE_SAMPLE_RATE'],
      [load(toml, { FORGE_SAMPLE_RATE: '0.3' }, { observability: { traces: { sample_rate: 0.2 } } }), 0.2, 'options'],
    ];
    for (const [{ config, provenance }, value, from] of steps) {
      expect([config.traces.sampleRate, provenance.get(rate)]).toEqual([value, from]);
    }
    expect(load(toml).provenance.get('observability.traces.slow_threshold')).toBe('forge.toml:3');
  });

  it('uses DATABASE_URL only where the file names no database, and FORGE_DATABASE_URL before both', () => {
    const [generic, own, file] = ['postgres://generic/a', 'postgres://own/b', 'postgres://file/c'];
    const toml = `[observability.storage]\nurl = "${file}"`;
    expect(load('', { DATABASE_URL: generic }).config.storage.url).toBe(generic);
    expect(load(toml, { DATABASE_URL: generic }).config.storage.url).toBe(file);
    expect(load(toml, { DATABASE_URL: generic, FORGE_DATABASE_URL: own }).config.storage.url).toBe(own);
  });

  it('counts an empty variable as not set', () => {
    expect(load('', { FORGE_SAMPLE_RATE: '', DATABASE_URL: '', OTEL_SERVICE_NAME: '' }).config).toEqual(
      load('').config,
    );
  });

  it('replaces ${NAME} in texts of the file, and keeps $${', () => {
    const toml = '[observability.api]\nread_token = "${TOKEN}"\n[service]\nname = "$${x}"';
    const { config } = load(toml, { TOKEN: '0123456789abcdef' });
    expect(config.api.readToken).toBe('0123456789abcdef');
    expect(config.service.name).toBe('${x}');
    expect(problems(toml)).toEqual(['forge.toml:2: observability.api.read_token: ${TOKEN} is not set']);
  });
});

describe('OTLP in forge.toml', () => {
  it.each([
    ['http://c:4317', 'http://c:4317', 'grpc'],
    ['http://c:4318', 'http://c:4318/v1/traces', 'http/protobuf'],
    ['https://c/otlp/v1/traces', 'https://c/otlp/v1/traces', 'http/protobuf'],
  ])('goes by port and path where no protocol is named: %s', (endpoint, otlpEndpoint, otlpProtocol) => {
    expect(load(`[observability.export]\notlp_endpoint = "${endpoint}"`).config.export).toMatchObject({
      otlpEndpoint,
      otlpProtocol,
    });
  });
});

describe('a batch', () => {
  it('is never larger than the queue', () => {
    expect(load('[observability.export]\nqueue_max_spans = 100').config.export.batchMaxSpans).toBe(100);
  });
});

describe('warnings', () => {
  it('tell of a variable that is nearly one of ours, and leave strangers alone', () => {
    const { warnings } = load('', {
      FORGE_SAMPEL_RATE: '1',
      FORGE_GAME_HIGH_SCORE: '1',
      FORGE_DATA_DIR: '/x',
      FORGE_CONFIG: '',
    });
    expect(warnings).toEqual(['FORGE_SAMPEL_RATE is not known: did you mean FORGE_SAMPLE_RATE?']);
  });
});

describe('plugins', () => {
  it('have any name, and options of their own', () => {
    const { config, provenance } = load(
      '[observability.instrument]\nhttp = false\nkafka = { topics = ["a"] }\nredact = ["user.email"]',
    );
    expect(config.instrument.plugins).toEqual({ http: false, kafka: { topics: ['a'] } });
    expect(config.instrument.redact).toEqual(['user.email']);
    expect(provenance.get('observability.instrument.kafka')).toBe('forge.toml:3');
  });

  it.each(['1', '"yes"', '[true]'])('cannot be %s', (value) => {
    expect(problems(`[observability.instrument]\nhttp = ${value}`)).toEqual([
      expect.stringContaining("allowed is true, false or a table of the plugin's options"),
    ]);
  });
});
