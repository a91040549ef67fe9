import type { SpanData } from '@forge/core';
import { createMemoryStore, type TraceStore } from '@forge/storage';
import type { CommandHost } from '../src/command-host.ts';
import { runForge } from '../src/run.ts';

export interface CommandRun {
  readonly exitCode: number;
  readonly out: string;
  readonly err: string;
}

/** Runs one command line over a store in memory. */
export async function runCommand(
  args: readonly string[],
  options: {
    spans?: readonly SpanData[];
    store?: TraceStore;
    isTTY?: boolean;
    env?: NodeJS.ProcessEnv;
    host?: Partial<CommandHost>;
  } = {},
): Promise<CommandRun> {
  const store = options.store ?? createMemoryStore();
  if (options.spans !== undefined) await store.write(options.spans);
  const written = { out: '', err: '' };
  const output = (name: 'out' | 'err') => ({
    write: (text: string) => (written[name] += text),
    isTTY: options.isTTY ?? false,
    ...(options.isTTY === true ? { columns: 100 } : {}),
  });
  const exitCode = await runForge(args, {
    env: options.env ?? {},
    cwd: '/',
    stdout: output('out'),
    stderr: output('err'),
    signal: new AbortController().signal,
    openBrowser: () => Promise.resolve(false),
    startTracer: () => Promise.reject(new Error('no tracer here')),
    openStore: () =>
      Promise.resolve({
        store,
        database: 'memory',
        settings: {
          api: { host: '127.0.0.1', port: 0, readToken: undefined, writeToken: undefined },
          retention: undefined,
        },
        prepare: () => Promise.resolve(),
        migrate: () => Promise.resolve({ from: 0, to: 1, applied: ['create_forge_traces'] }),
        close: () => Promise.resolve(),
      }),
    ...options.host,
  });
  return { exitCode, ...written };
}
