import type { TlsOptions } from '@forge/export/http';
import { readFileSync } from 'node:fs';
import { ForgeError } from '@forge/core';

/**
 * The TLS options that OpenTelemetry's variables name files of: `OTEL_EXPORTER_OTLP_CERTIFICATE`, `_CLIENT_CERTIFICATE`
 * and `_CLIENT_KEY`, or the same with `_TRACES`. Undefined where none is set.
 * @throws ForgeError FORGE_EXPORT_OPTION_INVALID for a file that cannot be read, naming the variable
 */
export function otlpTlsFromEnvironment(env: NodeJS.ProcessEnv = process.env): TlsOptions | undefined {
  const read = (what: string): string | undefined => {
    for (const name of [`OTEL_EXPORTER_OTLP_TRACES_${what}`, `OTEL_EXPORTER_OTLP_${what}`]) {
      const path = env[name]?.trim();
      if (!path) continue;
      try {
        return readFileSync(path, 'utf8');
      } catch (error) {
        throw new ForgeError(
          'FORGE_EXPORT_OPTION_INVALID',
          `${name}=${path} cannot be read: ${(error as Error).message}`,
          { cause: error },
        );
      }
    }
    return undefined;
  };
  const [ca, cert, key] = [read('CERTIFICATE'), read('CLIENT_CERTIFICATE'), read('CLIENT_KEY')];
  if (ca === undefined && cert === undefined && key === undefined) return undefined;
  return {
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
  };
}
