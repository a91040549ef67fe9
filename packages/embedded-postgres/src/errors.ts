/** Every error code of this package, with what it means. All are `ForgeError`s of `@forge/core`. */
export const EmbeddedPostgresErrors = {
  /** No binaries exist for this operating system and processor. */
  unsupportedPlatform: 'FORGE_EMBEDDED_UNSUPPORTED_PLATFORM',
  /** The platform is supported, but its npm package is not installed, or its programs do not run. */
  binaryMissing: 'FORGE_EMBEDDED_BINARY_MISSING',
  /** The data folder cannot be created, read or written by this user. */
  dataDir: 'FORGE_EMBEDDED_DATA_DIR',
  /** The data folder was made by another major version of PostgreSQL. */
  dataVersion: 'FORGE_EMBEDDED_DATA_VERSION',
  /** The running server was started with `durable: false`, and this caller needs its data to survive. */
  notDurable: 'FORGE_EMBEDDED_NOT_DURABLE',
  /** The port that was asked for is used by another program. */
  portUsed: 'FORGE_EMBEDDED_PORT_USED',
  /** PostgreSQL refused to start; the message ends with the last lines of its log. */
  startFailed: 'FORGE_EMBEDDED_START_FAILED',
  /** The server was not ready in time. */
  timeout: 'FORGE_EMBEDDED_TIMEOUT',
} as const;
