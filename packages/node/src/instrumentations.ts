import type { InstrumentConfig } from '@forge/config';
import type { Instrumentation } from '@forge/instrumentation';
import { fetch } from '@forge/instrumentation-fetch';
import { functions } from '@forge/instrumentation-functions';
import { grpc } from '@forge/instrumentation-grpc';
import { http } from '@forge/instrumentation-http';
import { jobs } from '@forge/instrumentation-jobs';
import { logs } from '@forge/instrumentation-logs';
import { pg } from '@forge/instrumentation-pg';
import { postgres } from '@forge/instrumentation-postgres';

/** The standard plugins as configured, less those switched off, with `own` in the place of those of the same name. */
export function standardInstrumentations(config: InstrumentConfig, own: readonly Instrumentation[]): Instrumentation[] {
  const query = config.captureQueryValues ? 'keep' : 'redact';
  const standard = [
    http({ ignorePaths: config.ignorePaths, query }),
    fetch({ query }),
    grpc(),
    postgres(),
    pg(),
    jobs(),
    functions(),
    logs(),
  ];
  const names = new Set(own.map((instrumentation) => instrumentation.name));
  return [...standard.filter((instrumentation) => !names.has(instrumentation.name)), ...own].filter(
    (instrumentation) => config.plugins[instrumentation.name] !== false,
  );
}
