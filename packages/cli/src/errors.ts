/** Every error code of this package. All are `ForgeError`s of `@forge/core`. */
export const CliErrors = {
  /** An argument or option is wrong; the message names it and what is allowed. */
  usage: 'FORGE_CLI_USAGE',
  /** The trace or span that was asked for is not stored. Exit code 2. */
  notFound: 'FORGE_CLI_NOT_FOUND',
  /** The API answered with an error, or not at all. */
  api: 'FORGE_CLI_API',
  /** A file cannot be read or written. */
  file: 'FORGE_CLI_FILE',
  /** The interface or port is not free to listen on. */
  listen: 'FORGE_CLI_LISTEN',
} as const;
