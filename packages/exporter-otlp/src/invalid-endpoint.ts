import { ForgeError } from '@forge/core';

export function invalidEndpoint(endpoint: string): ForgeError {
  return new ForgeError('FORGE_EXPORT_OPTION_INVALID', `"${endpoint}" is no OTLP endpoint: http://host:4317 is one`);
}
