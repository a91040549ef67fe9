/** Every error code of this package. All are `ForgeError`s of `@forge/core`. */
export const ConfigErrors = {
  /** A value or a key is wrong, or the file is not TOML. The message has one line for each problem. */
  invalid: 'FORGE_CONFIG_INVALID',
  /** The file that `FORGE_CONFIG` or `file` names is not there, or forge.toml cannot be read. */
  unreadable: 'FORGE_CONFIG_UNREADABLE',
} as const;
