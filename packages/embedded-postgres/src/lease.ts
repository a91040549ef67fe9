import { spawnSync } from 'node:child_process';
import { closeSync, constants, existsSync, linkSync, openSync, readdirSync, unlinkSync, writeSync } from 'node:fs';
import { randomBytes } from 'node:crypto';
import { basename, join } from 'node:path';
import type { ServerAccount } from './server-account.ts';

/*
 * Each start of a server is a generation N with a named pipe, run/lease.N.
 * Its reader is the supervisor (or, while starting, the starter); its writers are the clients.
 * The kernel closes both ends with their processes, so these two questions always have a true answer:
 *   is generation N alive?            can lease.N be opened for writing without waiting?
 *   does generation N have clients?   does its reader see the end of the pipe?
 * The newest generation that is alive is the server. Nobody else may touch the data folder.
 * Works on any path length, across containers that share the folder, and without native code.
 */

const { O_RDONLY, O_WRONLY, O_NONBLOCK } = constants;
/** Pipes of so many dead generations stay, so that a slow contender cannot take an old number for a new one. */
const KEPT_GENERATIONS = 8;

/** This process's hold on one generation of the server, ended by `close`, or by the kernel. */
export interface Lease {
  readonly generation: number;
  close(): void;
}

/** The right to start generation N, held until `started`; a `Lease` on it from the first moment. */
export interface Claim extends Lease {
  /** The supervisor reads the pipe now: from here on, its death is visible to the clients. */
  started(): void;
}

function leasePath(runDir: string, generation: number): string {
  return join(runDir, `lease.${generation}`);
}

export function stoppingPath(runDir: string, generation: number): string {
  return join(runDir, `stopping.${generation}`);
}

/** Generations that ever were, oldest first. */
function generations(runDir: string): number[] {
  return readdirSync(runDir)
    .flatMap((name) => /^lease\.(\d+)$/.exec(name)?.[1] ?? [])
    .map(Number)
    .sort((a, b) => a - b);
}

/** The newest generation, alive or dead; 0 if there was none. */
export function newestGeneration(runDir: string): number {
  return generations(runDir).at(-1) ?? 0;
}

function openForWriting(path: string): number | undefined {
  try {
    return openSync(path, O_WRONLY | O_NONBLOCK);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENXIO' || code === 'ENOENT') return undefined;
    throw error;
  }
}

/** Whether a supervisor, or a starter at work, holds this generation. */
export function isAlive(runDir: string, generation: number): boolean {
  const fd = openForWriting(leasePath(runDir, generation));
  if (fd !== undefined) closeSync(fd);
  return fd !== undefined;
}

/** Takes a lease on a generation that is alive. It may be about to stop: see `isStopping`. */
export function takeLease(runDir: string, generation: number): Lease | undefined {
  const fd = openForWriting(leasePath(runDir, generation));
  if (fd === undefined) return undefined;
  try {
    writeSync(fd, 'client\n');
  } catch {
    closeSync(fd);
    return undefined; // EPIPE: it ended between the two calls.
  }
  return { generation, close: once(() => closeSync(fd)) };
}

/** Whether its supervisor found no lease left. To be asked after taking one; may turn false again. */
export function isStopping(runDir: string, generation: number): boolean {
  return existsSync(stoppingPath(runDir, generation));
}

/** Tries to become the one who starts generation `generation`; `undefined` if somebody else was first. */
export function claimGeneration(
  runDir: string,
  generation: number,
  account: ServerAccount | undefined,
): Claim | undefined {
  const path = join(runDir, `claim.${randomBytes(6).toString('hex')}`);
  // By its name in the folder: the server's user may not be able to reach the folder from above.
  const made = spawnSync('/bin/sh', ['-c', 'mkfifo -m 600 "$1"', 'sh', basename(path)], {
    ...account,
    cwd: runDir,
    encoding: 'utf8',
  });
  if (made.status !== 0) throw made.error ?? new Error(`mkfifo ${path}: ${made.stderr.trim()}`);
  // Alive before it has its name: nobody can take a claimed generation for a dead one.
  const readFd = openSync(path, O_RDONLY | O_NONBLOCK);
  const writeFd = openSync(path, O_WRONLY | O_NONBLOCK);
  const started = once(() => closeSync(readFd));
  const close = once(() => {
    closeSync(writeFd);
    started();
  });
  try {
    writeSync(writeFd, 'client\n');
    linkSync(path, leasePath(runDir, generation));
  } catch (error) {
    close();
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return undefined;
    throw error;
  } finally {
    remove(path);
  }
  if (newestGeneration(runDir) !== generation) {
    remove(leasePath(runDir, generation));
    close();
    return undefined;
  }
  forget(runDir, generation);
  return { generation, close, started };
}

function forget(runDir: string, generation: number): void {
  for (const name of readdirSync(runDir)) {
    const old = /^(?:lease|stopping)\.(\d+)$/.exec(name)?.[1];
    if (old !== undefined && Number(old) <= generation - KEPT_GENERATIONS) remove(join(runDir, name));
  }
}

/**
 * Not `rmSync`: it asks what the path is, and Node 20 then takes every path that `realpathSync` looks at for a pipe
 * too, so the process imports modules by their symlinks' names until the next `stat`.
 */
function remove(path: string): void {
  try {
    unlinkSync(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
}

/** All generations before this one, of those still remembered. */
export function olderGenerations(runDir: string, generation: number): number[] {
  return generations(runDir).filter((older) => older < generation);
}

function once(run: () => void): () => void {
  let done = false;
  return () => {
    if (done) return;
    done = true;
    run();
  };
}
