import { Diagnostics } from '@forge/core';
import { startForge, type ForgeDescription } from '@forge/node';
import { resolve } from 'node:path';
import type { StoreRequest } from './command-host.ts';

/** A tracer as an application would run it with this configuration, for one span. */
export interface DoctorTracer {
  /** Sends one span that is kept whatever the sample rate; resolves when it has left. @returns its trace */
  sendSpan(): Promise<string>;
  describe(): ForgeDescription;
  close(): Promise<void>;
}

export function startDoctorTracer(request: StoreRequest): Promise<DoctorTracer> {
  // The tracer reads its configuration as an application's does: from the environment and the working folder.
  if (request.configFile !== undefined) process.env['FORGE_CONFIG'] = resolve(request.cwd, request.configFile);
  const diagnostics = new Diagnostics((level, message) => {
    if (level !== 'info') request.onProgress(`${level}: ${message}`);
  });
  const forge = startForge({ serviceName: 'forge-doctor', diagnostics });
  return Promise.resolve({
    async sendSpan() {
      const span = forge.getTracer('@forge/cli').start('forge.doctor');
      span.trace.keep('forced');
      span.end();
      await forge.flush();
      return span.traceId;
    },
    describe: () => forge.describe(),
    close: () => forge.shutdown(),
  });
}
