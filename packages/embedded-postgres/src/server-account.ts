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
  for (let folder = dataDir; ; folder = dirname(folder)) {
    const found = statSync(folder, { throwIfNoEntry: false });
    if (found !== undefined && found.uid !== 0) return { uid: found.uid, gid: found.gid };
    if (found !== undefined && folder !== dataDir) return nobody();
    if (dirname(folder) === folder) return nobody();
  }
}

function nobody(): ServerAccount {
  // macOS writes -2 here: the ids are unsigned 32 bit.
  const [, uid, gid] = /^nobody:[^:]*:(-?\d+):(-?\d+):/m.exec(readFileSync('/etc/passwd', 'utf8')) ?? [
    undefined,
    '65534',
    '65534',
  ];
  return { uid: Number(uid) >>> 0, gid: Number(gid) >>> 0 };
}

/** Gives a file or folder that we have just made to the server. */
export function give(path: string, account: ServerAccount | undefined): void {
  if (account !== undefined) chownSync(path, account.uid, account.gid);
}

/** Whether the server's user may enter the folder `path`: asked of the kernel, which knows of ACLs and mounts. */
export function canEnter(path: string, account: ServerAccount | undefined): boolean {
  if (account === undefined) return true;
  return (
    spawnSync('/bin/sh', ['-c', 'test -r "$1" && test -x "$1"', 'sh', path], { ...account, cwd: '/', env: {} })
      .status === 0
  );
}
