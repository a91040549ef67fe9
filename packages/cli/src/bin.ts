#!/usr/bin/env node
import { openBrowser } from './open-browser.ts';
import { runForge } from './run.ts';

const interrupted = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const)
  // The first asks the command to end; a second one ends it as if nobody listened.
  process.once(signal, () => interrupted.abort());
// `forge ... | head` closes the pipe early: that is no error.
process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1));

process.exitCode = await runForge(process.argv.slice(2), {
  env: process.env,
  cwd: process.cwd(),
  stdout: process.stdout,
  stderr: process.stderr,
  signal: interrupted.signal,
  openBrowser,
  // Loaded when they are needed: help and --url do without tracer and driver.
  startTracer: async (request) => (await import('./doctor-tracer.ts')).startDoctorTracer(request),
  openStore: async (request) => (await import('./open-store.ts')).openConfiguredStore(request),
});
