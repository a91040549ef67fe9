import { ForgeError } from '@forge/core';
import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, existsSync, openSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { findBinaries } from './binaries.ts';
import { prepareCluster, reachableName, serverEnv } from './cluster.ts';
import type { DataDir } from './data-dir.ts';
import { EmbeddedPostgresErrors } from './errors.ts';
import { olderGenerations, stoppingPath, type Claim } from './lease.ts';
import { clearLeftovers, findPostmaster, type Postmaster } from './postmaster.ts';
import { give, type ServerAccount } from './server-account.ts';
import { settingArguments, type PostgresSettings } from './settings.ts';
import { SUPERVISOR_SCRIPT } from './supervisor-script.ts';

export interface StartOptions {
  readonly account: ServerAccount | undefined;
  readonly binDir: string | undefined;
  readonly port: number | undefined;
  readonly durable: boolean;
  readonly settings: PostgresSettings;
  readonly deadlineMs: number;
  readonly onProgress: (line: string) => void;
}

/** The start failed by accident, not by its conditions: worth another try, and `error` if that fails too. */
export class Accident {
  readonly error: ForgeError;
  constructor(error: ForgeError) {
    this.error = error;
  }
}

/**
 * Starts the server of a claimed generation and waits until it accepts connections.
 * @throws ForgeError
 */
export async function startServer(dir: DataDir, claim: Claim, options: StartOptions): Promise<Postmaster | Accident> {
  const { account, durable, onProgress } = options;
  // A supervisor whose watcher was killed must not start its server again.
  for (const older of olderGenerations(dir.run, claim.generation)) writeFileSync(stoppingPath(dir.run, older), '');
  await clearLeftovers(dir.cluster);
  const binaries = findBinaries(options.binDir, account);
  await prepareCluster(dir, binaries, account, {
    durable,
    onCreate: () => onProgress(`creating the database folder ${dir.path} (once)`),
  });
  const port = options.port ?? (await freePort(dir));
  onProgress(`starting PostgreSQL ${binaries.major} on 127.0.0.1:${port}`);
  const command = [
    binaries.postgres,
    '-D',
    reachableName(dir.cluster, account),
    ...settingArguments(options.settings, { durable, port }),
  ];
  const supervisor = spawnSupervisor(dir, claim.generation, command, options);
  const server = await untilReady(dir, supervisor, options);
  if (server === undefined) return failure(dir, port, options.port !== undefined);
  claim.started();
  const portFile = join(dir.path, 'port');
  writeFileSync(portFile, String(port), { mode: 0o600 });
  give(portFile, account);
  return server;
}

function spawnSupervisor(dir: DataDir, generation: number, command: string[], options: StartOptions): ChildProcess {
  const script = join(dir.run, 'supervise.sh');
  // Renamed into place: a shell reads its script as it goes, and an older one may still be reading.
  writeFileSync(`${script}.new`, SUPERVISOR_SCRIPT, { mode: 0o600 });
  give(`${script}.new`, options.account);
  renameSync(`${script}.new`, script);
  if (existsSync(dir.log)) renameSync(dir.log, `${dir.log}.1`);
  const log = openSync(dir.log, 'a', 0o600);
  give(dir.log, options.account);
  // A moment of grace, so that a restarting application finds its server still there.
  const graceS = options.durable ? '1' : '0';
  const child = spawn('/bin/sh', ['../run/supervise.sh', String(generation), graceS, ...command], {
    ...options.account,
    cwd: dir.cluster,
    env: serverEnv(),
    detached: true,
    stdio: ['ignore', log, log],
  });
  closeSync(log);
  child.on('error', () => undefined); // Seen as an exit without a pid.
  child.unref();
  return child;
}

/** `undefined` if the supervisor gave up. */
async function untilReady(
  dir: DataDir,
  supervisor: ChildProcess,
  options: StartOptions,
): Promise<Postmaster | undefined> {
  const startedMs = Date.now();
  let told = false;
  for (;;) {
    const server = findPostmaster(dir.cluster);
    if (server?.ready) return server;
    if (supervisor.pid === undefined || supervisor.exitCode !== null || supervisor.signalCode !== null)
      return undefined;
    const nowMs = Date.now();
    if (nowMs > options.deadlineMs)
      throw new ForgeError(
        EmbeddedPostgresErrors.timeout,
        `PostgreSQL in ${dir.path} is not ready yet; its log: ${logTail(dir)}`,
        { retryable: true },
      );
    if (!told && nowMs - startedMs > 3000) {
      told = true;
      options.onProgress('PostgreSQL is still starting (recovering after a crash?)');
    }
    await sleep(10);
  }
}

/** @throws ForgeError if another try would fail as well */
function failure(dir: DataDir, port: number, portWasWanted: boolean): Accident {
  const log = readLog(dir);
  const error = new ForgeError(
    EmbeddedPostgresErrors.startFailed,
    `PostgreSQL in ${dir.path} did not start; its log: ${logTail(dir)}`,
  );
  if (/could not (create any TCP\/IP sockets|bind IPv4)/.test(log)) {
    if (!portWasWanted) return new Accident(error); // Taken since we found it free.
    throw new ForgeError(
      EmbeddedPostgresErrors.portUsed,
      `port ${port} of 127.0.0.1 is used by another program: free it, or choose another port for the embedded PostgreSQL`,
    );
  }
  // The processes of a server that was killed take a moment to notice.
  if (log.includes('pre-existing shared memory block')) return new Accident(error);
  if (/FATAL|PANIC/.test(log)) throw error;
  return new Accident(error); // It was killed or stopped.
}

function logTail(dir: DataDir): string {
  return readLog(dir).trim().split('\n').slice(-5).join('\n  ') || '(empty)';
}

function readLog(dir: DataDir): string {
  return existsSync(dir.log) ? readFileSync(dir.log, 'utf8') : '';
}

/** The port of the last time, so that a database tool's saved connection stays good; else any free one. */
async function freePort(dir: DataDir): Promise<number> {
  const portFile = join(dir.path, 'port');
  const last = existsSync(portFile) ? Number(readFileSync(portFile, 'utf8')) : 0;
  return (last > 0 && last < 65_536 ? await tryPort(last) : undefined) ?? (await tryPort(0)) ?? 0;
}

function tryPort(port: number): Promise<number | undefined> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(undefined));
    server.listen({ port, host: '127.0.0.1', exclusive: true }, () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' ? address?.port : undefined));
    });
  });
}
