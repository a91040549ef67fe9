import { createHash, randomBytes } from 'node:crypto';
import { readFileSync, readlinkSync } from 'node:fs';
import { hostname } from 'node:os';

/** How often an owner touches its folders, and after how long an untouched one of another machine counts as left. */
export const HEARTBEAT_MS = 15_000;
export const STALE_MS = 120_000;

/** Owners of this process that are alive: their folders are not to be adopted by another spool of it. */
const alive = new Set<string>();

/**
 * Who owns a folder of the spool, written in its name: `machine-pid-start-random`, `~n` after it for an adopted one.
 * The machine stands for its boot and, in a container, its own numbering of processes.
 */
export class SpoolOwner {
  readonly name = `${MACHINE}-${process.pid}-${startOf(process.pid) ?? 0}-${randomBytes(4).toString('hex')}`;

  constructor() {
    alive.add(this.name);
  }

  /** Its folders are free for others from now on. */
  release(): void {
    alive.delete(this.name);
  }

  owns(folder: string): boolean {
    return folder === this.name || folder.startsWith(`${this.name}~`);
  }
}

/**
 * Whether the owner of `folder` is gone. On this machine the process itself is looked at; of others, the folder's age.
 * @param untouchedMs how long ago somebody touched it
 */
export function isAbandoned(folder: string, untouchedMs: number): boolean {
  const match = /^([0-9a-f]+)-(\d+)-(\d+)-[0-9a-f]+/.exec(folder);
  if (match === null) return false;
  const [name, machine, pid, start] = match;
  if (machine !== MACHINE) return untouchedMs > STALE_MS;
  if (Number(pid) === process.pid && Number(start) === (startOf(process.pid) ?? 0)) return !alive.has(name);
  if (!isRunning(Number(pid))) return true;
  const running = startOf(Number(pid));
  // The number was given to another process since.
  return running !== undefined && start !== '0' && Number(start) !== running;
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** When a process started, in ticks since boot; undefined where the system does not tell. */
function startOf(pid: number): number | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The name, in brackets, may hold anything: count from behind it. The start is field 22.
    return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19]);
  } catch {
    return undefined;
  }
}

const MACHINE = createHash('sha256')
  .update(
    [
      hostname(),
      tryRead(() => readFileSync('/proc/sys/kernel/random/boot_id', 'utf8')),
      tryRead(() => readlinkSync('/proc/self/ns/pid')),
    ].join('\0'),
  )
  .digest('hex')
  .slice(0, 12);

function tryRead(read: () => string): string {
  try {
    return read();
  } catch {
    return '';
  }
}
