import { fork, type ChildProcess } from 'node:child_process';
import { createServer } from 'node:net';

/** A process of the demo. */
export interface App {
  readonly name: string;
  readonly pid: number;
  /** What it said when it was ready. */
  readonly ready: Readonly<Record<string, unknown>>;
  /** Resolves when it has ended. */
  readonly ended: Promise<void>;
  /** Asks it to end, and insists after 10 s. */
  stop(): Promise<void>;
}

export interface AppOptions {
  readonly name: string;
  /** The file that is run. */
  readonly entry: string;
  readonly env: Readonly<Record<string, string>>;
  readonly onOutput: (line: string) => void;
}

const READY_WITHIN_MS = 60_000;
const STOP_WITHIN_MS = 10_000;

/** Starts an app in a process of its own. Rejects with the last lines it wrote where it ends before it is ready. */
export async function startApp(options: AppOptions): Promise<App> {
  const child = fork(options.entry, [], {
    env: { ...process.env, ...options.env },
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    // Not what this process was started with: a test runner has flags of its own.
    execArgv: [],
  });
  const lastLines: string[] = [];
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding('utf8').on('data', (text: string) => {
      for (const line of text.split('\n')) {
        if (line === '') continue;
        lastLines.push(line);
        if (lastLines.length > 20) lastLines.shift();
        options.onOutput(line);
      }
    });
  }
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()));
  const ready = await readiness(child, options.name, lastLines);
  return { name: options.name, pid: child.pid!, ready, ended, stop: () => stop(child, ended) };
}

function readiness(child: ChildProcess, name: string, lastLines: readonly string[]): Promise<Record<string, unknown>> {
  return new Promise((resolve, reject) => {
    const give = setTimeout(() => {
      child.kill('SIGKILL');
      reject(new Error(`${name} was not ready within ${READY_WITHIN_MS / 1000} s:\n${lastLines.join('\n')}`));
    }, READY_WITHIN_MS);
    child.once('message', (message) => {
      clearTimeout(give);
      resolve(message as Record<string, unknown>);
    });
    child.once('close', () => {
      clearTimeout(give);
      reject(new Error(`${name} did not start:\n${lastLines.join('\n')}`));
    });
    child.once('error', reject);
  });
}

async function stop(child: ChildProcess, ended: Promise<void>): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill('SIGTERM');
  const insist = setTimeout(() => child.kill('SIGKILL'), STOP_WITHIN_MS);
  await ended;
  clearTimeout(insist);
}

/** A port of 127.0.0.1 that is free now. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() =>
        typeof address === 'object' && address !== null ? resolve(address.port) : reject(new Error('no port')),
      );
    });
  });
}
