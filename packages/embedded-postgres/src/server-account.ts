import { chownSync, readFileSync, statSync } from 'node:fs';
import { spawnSync } from 'node:child_process';
import { dirname } from 'node:path';

/** The user that PostgreSQL runs as; `undefined` where that is simply our own. PostgreSQL refuses to run as root. */
export interface ServerAccount {
  readonly uid: number;
  readonly gid: number;
}

/**
 * As root: the owner of the data folder if it is there, else of the nearest folder above it, so that an ordinary user
 * of the same checkout can use the database too; `nobody` where that is root. Not as root: `undefined`, our own account.
 */
export function serverAccount(dataDir: string): ServerAccount | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const owner = ownerOf(dataDir);
  if (owner !== undefined && owner.uid !== 0) return owner;
  let folder = dirname(dataDir);
  while (ownerOf(folder) === undefined && dirname(folder) !== folder) folder = dirname(folder);
  const neighbour = ownerOf(folder);
  const users = readFileSync('/etc/passwd', 'utf8');
  // initdb wants a user that has a name.
  const hasName = (uid: number): boolean => new RegExp(`^[^:]+:[^:]*:${uid}:`, 'm').test(users);
  if (neighbour !== undefined && neighbour.uid !== 0 && hasName(neighbour.uid)) return neighbour;
  const [, uid, gid] = /^nobody:[^:]*:(-?\d+):(-?\d+):/m.exec(users) ?? [undefined, '65534', '65534'];
  // macOS writes -2 here: the ids are unsigned 32 bit.
  return { uid: Number(uid) >>> 0, gid: Number(gid) >>> 0 };
}

function ownerOf(path: string): ServerAccount | undefined {
  try {
    const { uid, gid } = statSync(path);
    return { uid, gid };
  } catch {
    return undefined; // Not there; whether it can be made is found out when it is.
  }
}

/** Gives a file or folder that we have just made to the server. */
export function give(path: string, account: ServerAccount | undefined): void {
  if (account !== undefined) chownSync(path, account.uid, account.gid);
}

/** Whether the server's user may enter the folder `path`: asked of the kernel, which knows of ACLs and mounts. */
export function canEnter(path: string, account: ServerAccount | undefined): boolean {
  if (account === undefined) return true;
  const script = 'test -r "$1" && test -x "$1"';
  return spawnSync('/bin/sh', ['-c', script, 'sh', path], { ...account, cwd: '/', env: {} }).status === 0;
}
