import { execFileSync } from 'node:child_process';
import { readFileSync, readlinkSync, realpathSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/** What PostgreSQL says of itself in `postmaster.pid`. */
export interface Postmaster {
  readonly pid: number;
  readonly port: number;
  /** Accepts connections: not starting, recovering or stopping. */
  readonly ready: boolean;
}

/** The server that runs in `clusterDir`, if one does. A file left by a dead one counts as none, also if its pid lives again. */
export function findPostmaster(clusterDir: string): Postmaster | undefined {
  const lines = readPidFile(clusterDir)?.split('\n');
  if (lines === undefined) return undefined;
  const pid = Number(lines[0]);
  if (!Number.isInteger(pid) || pid <= 0 || !isPostgres(pid, clusterDir)) return undefined;
  return { pid, port: Number(lines[3]), ready: lines[7]?.trim() === 'ready' };
}

function readPidFile(clusterDir: string): string | undefined {
  try {
    return readFileSync(join(clusterDir, 'postmaster.pid'), 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

/** Pids are used again: is this one a PostgreSQL, and ours? */
function isPostgres(pid: number, clusterDir: string): boolean {
  if (!isRunning(pid)) return false;
  try {
    if (process.platform === 'linux') {
      // A server's working folder is its data folder.
      return (
        readFileSync(`/proc/${pid}/comm`, 'utf8').startsWith('postgres') &&
        readlinkSync(`/proc/${pid}/cwd`) === realpathSync(clusterDir)
      );
    }
    return execFileSync('ps', ['-o', 'command=', '-p', String(pid)], { encoding: 'utf8' }).includes(
      realpathSync(clusterDir),
    );
  } catch {
    return false; // Gone meanwhile, or not ours to look at: then it cannot be our server.
  }
}

/** Whether a process of this pid exists and may be signalled by us. */
export function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

/**
 * Ends a server that nobody supervises any more and removes what a dead one left, so that the next can start.
 * Only for the holder of a claim.
 */
export async function clearLeftovers(clusterDir: string): Promise<void> {
  // Impatient, because somebody waits for the start: an immediate shutdown loses nothing, it costs a recovery.
  const stages: [NodeJS.Signals, number][] = [
    ['SIGINT', 5000],
    ['SIGQUIT', 5000],
    ['SIGKILL', 5000],
  ];
  for (const [signal, patienceMs] of stages) {
    const server = findPostmaster(clusterDir);
    if (server === undefined) break;
    signalQuietly(server.pid, signal);
    for (const until = Date.now() + patienceMs; Date.now() < until && findPostmaster(clusterDir)?.pid === server.pid;)
      await sleep(20);
  }
  // PostgreSQL itself trusts a stale file whose pid is in use again, and would refuse to start.
  if (findPostmaster(clusterDir) === undefined && statSync(clusterDir, { throwIfNoEntry: false }) !== undefined) {
    rmSync(join(clusterDir, 'postmaster.pid'), { force: true });
  }
}

function signalQuietly(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // It ended by itself meanwhile.
  }
}
