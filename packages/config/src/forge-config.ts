/** Everything that can be configured, validated, with defaults filled in. Frozen. Times in milliseconds, sizes in bytes. */
export interface ForgeConfig {
  readonly service: ServiceConfig;
  readonly traces: TracesConfig;
  readonly storage: StorageConfig;
  readonly export: ExportConfig;
  readonly api: ApiConfig;
  readonly collector: CollectorConfig;
  readonly instrument: InstrumentConfig;
}

export interface ServiceConfig {
  /** Undefined where nobody named it: the program then takes the package's name. At most 100 characters. */
  readonly name: string | undefined;
  /** Further attributes of the process: `service.version`, `deployment.environment.name`. */
  readonly attributes: Readonly<Record<string, string>>;
}

/** `[observability.traces]` */
export interface TracesConfig {
  readonly enabled: boolean;
  /** 0 to 1. */
  readonly sampleRate: number;
  readonly alwaysSample: readonly ('errors' | 'slow_requests')[];
  readonly slowThresholdMs: number;
  /** Most traces kept for a reason in a second; undefined for no limit. */
  readonly maxKeptPerSecond: number | undefined;
  /** Who may force a trace to be kept: everybody, nobody, or callers from these hosts. */
  readonly trustedPeers: boolean | readonly string[];
  readonly ringMaxBytes: number;
  readonly ringMaxAgeMs: number;
  readonly overrides: readonly TracesOverride[];
}

/** `[[observability.traces.override]]` */
export interface TracesOverride {
  readonly operation: string | undefined;
  readonly service: string | undefined;
  readonly sampleRate: number | undefined;
  readonly slowThresholdMs: number | undefined;
}

/** `[observability.storage]` */
export interface StorageConfig {
  /** `DATABASE_URL` by default; undefined for the embedded PostgreSQL. A secret. */
  readonly url: string | undefined;
  readonly schema: string;
  /** Undefined keeps spans for ever. */
  readonly retentionMs: number | undefined;
  readonly partition: 'hour' | 'day' | 'auto';
  readonly maxConnections: number;
}

/** `[observability.export]` */
export interface ExportConfig {
  readonly jaegerEndpoint: string | undefined;
  readonly zipkinEndpoint: string | undefined;
  readonly otlpEndpoint: string | undefined;
  readonly otlpProtocol: 'grpc' | 'http/protobuf' | 'http/json';
  /** Secrets. */
  readonly otlpHeaders: Readonly<Record<string, string>>;
  readonly otlpCompression: 'none' | 'gzip';
  readonly otlpTimeoutMs: number;
  readonly semconv: 'add' | 'only' | 'off';
  readonly queueMaxSpans: number;
  readonly queueMaxBytes: number;
  readonly batchMaxSpans: number;
  readonly batchDelayMs: number;
  /** Undefined for no spool. */
  readonly spoolDir: string | undefined;
  readonly spoolMaxBytes: number;
}

/** `[observability.api]` */
export interface ApiConfig {
  readonly host: string;
  readonly port: number;
  readonly readToken: string | undefined;
  readonly writeToken: string | undefined;
}

/** `[observability.collector]` */
export interface CollectorConfig {
  readonly enabled: boolean;
  readonly host: string;
  readonly otlpGrpcPort: number;
  readonly otlpHttpPort: number;
  readonly zipkinPort: number;
  readonly jaegerPort: number;
  readonly token: string | undefined;
}

/** `[observability.instrument]` */
export interface InstrumentConfig {
  /** By a plugin's name: false switches it off, a table is its options, which it checks itself. */
  readonly plugins: Readonly<Record<string, boolean | Readonly<Record<string, unknown>>>>;
  readonly ignorePaths: readonly string[];
  /** Tag keys whose values never leave the process. */
  readonly redact: readonly string[];
  readonly captureQueryValues: boolean;
}
