import { z } from 'zod';
import {
  choice,
  choices,
  duration,
  durationOrForever,
  factsOf,
  flag,
  flagOrWords,
  integer,
  optionalChoice,
  optionalDuration,
  optionalRate,
  optionalText,
  pairs,
  port,
  rate,
  size,
  text,
  url,
  words,
  type KeyFacts,
} from './keys.ts';

/*
 * All of forge.toml, by its own names. A variable is called FORGE_ and the key's name; where the name alone
 * would not say what it belongs to, the section's comes between: FORGE_DATABASE_, FORGE_API_, FORGE_COLLECTOR_ ...
 */

const TOKEN = 'a token of at least 16 characters without spaces';
const HOST = 'the name or address of an interface, like "127.0.0.1" or "0.0.0.0"';
const HTTP = ['http:', 'https:'];

const service = z.strictObject({
  name: optionalText('FORGE_SERVICE_NAME', 'a name of 1 to 100 characters', /^.{1,100}$/),
  attributes: pairs('FORGE_SERVICE_ATTRIBUTES', 'a table of texts, like { "service.version" = "1.2.0" }'),
});

const override = z
  .strictObject({
    operation: optionalText(undefined, 'an operation, like "http.request" or "POST /api/orders"', /./),
    service: optionalText(undefined, "a service's name", /./),
    sample_rate: optionalRate(),
    slow_threshold: optionalDuration('1ms', '1d'),
  })
  .refine(
    (rule) => rule.operation !== undefined || rule.service !== undefined,
    'an override needs operation or service',
  )
  .refine(
    (rule) => rule.sample_rate !== undefined || rule.slow_threshold !== undefined,
    'an override needs sample_rate or slow_threshold',
  );

const traces = z.strictObject({
  enabled: flag('FORGE_TRACES_ENABLED', true),
  sample_rate: rate('FORGE_SAMPLE_RATE', 1),
  always_sample: choices('FORGE_ALWAYS_SAMPLE', ['errors', 'slow_requests'], ['errors', 'slow_requests']),
  slow_threshold: duration('FORGE_SLOW_THRESHOLD', '1s', '1ms', '1d'),
  max_kept_per_second: integer('FORGE_MAX_KEPT_PER_SECOND', 500, 1, 1_000_000),
  trusted_peers: flagOrWords('FORGE_TRUSTED_PEERS', 'true, false or a list of hosts, like ["10.0.0.7"]', false),
  ring_max_bytes: size('FORGE_RING_MAX_BYTES', '32MB', '1MB', '4GB'),
  ring_max_age: duration('FORGE_RING_MAX_AGE', '10s', '1s', '10m'),
  override: z.array(override).prefault([]),
});

const storage = z.strictObject({
  url: url('FORGE_DATABASE_URL', ['postgres:', 'postgresql:'], 'postgres://user:password@host:5432/database'),
  schema: text(
    'FORGE_DATABASE_SCHEMA',
    'the name of a schema: letters, digits and _, at most 63, not beginning with a digit or pg_',
    /^(?!pg_)[A-Za-z_][A-Za-z0-9_]{0,62}$/,
    'public',
  ),
  retention: durationOrForever('FORGE_DATABASE_RETENTION', '7d', '1h', '3650d'),
  partition: choice('FORGE_DATABASE_PARTITION', ['hour', 'day', 'auto'], 'auto'),
  pool_size: integer('FORGE_DATABASE_POOL_SIZE', 6, 1, 100),
});

const exporting = z.strictObject({
  jaeger_endpoint: url('FORGE_JAEGER_ENDPOINT', HTTP, 'http://jaeger:14268/api/traces'),
  zipkin_endpoint: url('FORGE_ZIPKIN_ENDPOINT', HTTP, 'http://zipkin:9411/api/v2/spans'),
  otlp_endpoint: url('FORGE_OTLP_ENDPOINT', HTTP, 'http://otel-collector:4317'),
  otlp_protocol: optionalChoice('FORGE_OTLP_PROTOCOL', ['grpc', 'http/protobuf', 'http/json']),
  otlp_headers: pairs('FORGE_OTLP_HEADERS', 'a table of texts, like { authorization = "Bearer ..." }', true),
  otlp_compression: choice('FORGE_OTLP_COMPRESSION', ['none', 'gzip'], 'none'),
  otlp_timeout: duration('FORGE_OTLP_TIMEOUT', '10s', '1ms', '10m'),
  semconv: choice('FORGE_SEMCONV', ['add', 'only', 'off'], 'add'),
  queue_max_spans: integer('FORGE_QUEUE_MAX_SPANS', 65_536, 1, 10_000_000),
  queue_max_bytes: size('FORGE_QUEUE_MAX_BYTES', '64MB', '64KB', '16GB'),
  batch_max_spans: integer('FORGE_BATCH_MAX_SPANS', 5000, 1, 100_000),
  batch_delay: duration('FORGE_BATCH_DELAY', '200ms', '1ms', '1m'),
  spool_dir: optionalText('FORGE_SPOOL_DIR', 'a folder, or "off" for no spool', /./),
  spool_max_bytes: size('FORGE_SPOOL_MAX_BYTES', '256MB', '1MB', '1024GB'),
});

const api = z.strictObject({
  host: text('FORGE_API_HOST', HOST, /^\S+$/, '127.0.0.1'),
  port: port('FORGE_API_PORT', 8080),
  read_token: optionalText('FORGE_API_READ_TOKEN', TOKEN, /^\S{16,}$/, true),
  write_token: optionalText('FORGE_API_WRITE_TOKEN', TOKEN, /^\S{16,}$/, true),
});

const collector = z.strictObject({
  enabled: flag('FORGE_COLLECTOR_ENABLED', false),
  host: text('FORGE_COLLECTOR_HOST', HOST, /^\S+$/, '127.0.0.1'),
  otlp_grpc_port: port('FORGE_COLLECTOR_OTLP_GRPC_PORT', 4317),
  otlp_http_port: port('FORGE_COLLECTOR_OTLP_HTTP_PORT', 4318),
  zipkin_port: port('FORGE_COLLECTOR_ZIPKIN_PORT', 9411),
  jaeger_port: port('FORGE_COLLECTOR_JAEGER_PORT', 14_268),
  token: optionalText('FORGE_COLLECTOR_TOKEN', TOKEN, /^\S{16,}$/, true),
});

/** Any other key is a plugin's name: its options are the plugin's to check. */
export const PLUGIN_ALLOWED = "true, false or a table of the plugin's options";
const instrument = z
  .object({
    ignore_paths: words('FORGE_INSTRUMENT_IGNORE_PATHS', 'a list of paths, like ["/healthz"]', /^\//, [
      '/healthz',
      '/livez',
      '/readyz',
      '/health',
      '/metrics',
    ]),
    redact: words('FORGE_INSTRUMENT_REDACT', 'a list of tag keys, like ["user.email"]', /./, []),
    capture_query_values: flag('FORGE_INSTRUMENT_CAPTURE_QUERY_VALUES', false),
  })
  .catchall(z.union([z.boolean(), z.record(z.string(), z.unknown())]));

export const schema = z.strictObject({
  service: service.prefault({}),
  observability: z
    .strictObject({
      traces: traces.prefault({}),
      storage: storage.prefault({}),
      export: exporting.prefault({}),
      api: api.prefault({}),
      collector: collector.prefault({}),
      instrument: instrument.prefault({}),
    })
    .prefault({}),
});

/** What can be given, by forge.toml's own names. */
export type ConfigInput = z.input<typeof schema>;
export type ParsedConfig = z.output<typeof schema>;

/** `observability.traces.sample_rate` and its facts, for every key of a fixed name outside of lists, in order. */
export const KEYS: ReadonlyMap<string, KeyFacts> = new Map(keysOf(schema, []));

/** The keys that a section knows; undefined where `path` is no section. A number in `path` is an index of a list. */
export function keysIn(path: readonly PropertyKey[]): string[] | undefined {
  let here: z.ZodType | undefined = schema;
  for (const part of path) here = childOf(here, part);
  return here === undefined ? undefined : Object.keys(shapeOf(here) ?? {});
}

/** The facts of the key at `path`, or of the nearest one around it. */
export function factsAt(path: readonly PropertyKey[]): KeyFacts | undefined {
  let here: z.ZodType | undefined = schema;
  let found: KeyFacts | undefined;
  for (const part of path) {
    here = childOf(here, part);
    if (here === undefined) break;
    found = factsOf(here) ?? found;
  }
  return found;
}

function childOf(from: z.ZodType | undefined, part: PropertyKey): z.ZodType | undefined {
  if (from === undefined) return undefined;
  const bare = unwrapped(from);
  if (bare instanceof z.ZodArray) return bare.element as z.ZodType;
  return shapeOf(bare)?.[String(part)];
}

function unwrapped(from: z.ZodType): z.ZodType {
  if (from instanceof z.ZodPrefault || from instanceof z.ZodOptional) return unwrapped(from.unwrap() as z.ZodType);
  return from;
}

function shapeOf(from: z.ZodType): Record<string, z.ZodType> | undefined {
  const bare = unwrapped(from);
  return bare instanceof z.ZodObject ? bare.shape : undefined;
}

function keysOf(from: z.ZodType, path: string[]): [string, KeyFacts][] {
  return Object.entries(shapeOf(from) ?? {}).flatMap(([name, child]): [string, KeyFacts][] => {
    const known = factsOf(child);
    return known === undefined ? keysOf(child, [...path, name]) : [[[...path, name].join('.'), known]];
  });
}
