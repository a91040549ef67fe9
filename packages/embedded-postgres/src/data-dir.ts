import { ForgeError } from '@forge/core';
import {
  accessSync,
  chmodSync,
  constants,
  existsSync,
  mkdirSync,
  readFileSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { randomBytes } from 'node:crypto';
import { dirname, join, resolve } from 'node:path';
import { EmbeddedPostgresErrors } from './errors.ts';
import { give, type ServerAccount } from './server-account.ts';

/**
 * The folder of one embedded database.
 *
 *     <dataDir>/           0700, owned by the user that PostgreSQL runs as
 *       data/              PostgreSQL's own data folder
 *       password           0600, random, of the user `forge`
 *       port               the last one used, tried again first
 *       postgres.log       of this start; postgres.log.1 of the one before
 *       run/               named pipes of the leases, see lease.ts
 */
export interface DataDir {
  readonly path: string;
  readonly cluster: string;
  readonly run: string;
  readonly log: string;
}

/** Where the database lives if nobody says: `postgres` in `FORGE_DATA_DIR`, else in `.forge` of the project. */
export function defaultDataDir(env: NodeJS.ProcessEnv = process.env, cwd = process.cwd()): string {
  return join(env.FORGE_DATA_DIR ? resolve(cwd, env.FORGE_DATA_DIR) : join(projectRoot(cwd), '.forge'), 'postgres');
}

/**
 * The nearest folder upward with a forge.toml, else the workspace's root, else the nearest package.json, else `cwd`:
 * the apps of one workspace share one database, from whichever folder each is started.
 */
function projectRoot(cwd: string): string {
  let nearestPackage: string | undefined;
  let workspace: string | undefined;
  for (let folder = cwd; ; folder = dirname(folder)) {
    if (existsSync(join(folder, 'forge.toml'))) return folder;
    if (existsSync(join(folder, 'package.json'))) nearestPackage ??= folder;
    if (existsSync(join(folder, 'pnpm-workspace.yaml')) || declaresWorkspaces(folder)) workspace ??= folder;
    if (dirname(folder) === folder) return workspace ?? nearestPackage ?? cwd;
  }
}

function declaresWorkspaces(folder: string): boolean {
  try {
    return 'workspaces' in (JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as object);
  } catch {
    return false;
  }
}

/**
 * Makes the folder if it is not there, and checks that we can use it.
 * @throws ForgeError dataDir
 */
export function prepareDataDir(path: string, account: ServerAccount | undefined): DataDir {
  const dir: DataDir = { path, cluster: join(path, 'data'), run: join(path, 'run'), log: join(path, 'postgres.log') };
  try {
    makeFolders(path, account);
    const { uid, mode } = statSync(path);
    const ours = account?.uid ?? process.getuid?.();
    if (uid !== ours) throw foreign(path, uid);
    if ((mode & 0o077) !== 0) chmodSync(path, 0o700);
    accessSync(path, constants.R_OK | constants.W_OK | constants.X_OK);
    if (mkdirSync(dir.run, { recursive: true, mode: 0o700 }) !== undefined) give(dir.run, account);
  } catch (cause) {
    if (cause instanceof ForgeError) throw cause;
    const { message } = cause as Error;
    throw new ForgeError(
      EmbeddedPostgresErrors.dataDir,
      `the embedded database's folder ${path} cannot be used: ${message}. Set FORGE_DATA_DIR to a folder that uid ${process.getuid?.()} can write, or DATABASE_URL to a PostgreSQL`,
      { cause },
    );
  }
  return dir;
}

function makeFolders(path: string, account: ServerAccount | undefined): void {
  const parent = dirname(path);
  const firstMade = mkdirSync(parent, { recursive: true });
  if (firstMade !== undefined && parent.endsWith('.forge')) writeFileSync(join(parent, '.gitignore'), '*\n');
  if (firstMade !== undefined)
    for (let made = parent; made.length >= firstMade.length; made = dirname(made)) give(made, account);
  const there = statSync(path, { throwIfNoEntry: false });
  if (there === undefined) mkdirSync(path, { mode: 0o700, recursive: true });
  // As root, a folder of root's (a fresh mount) is handed to the server's user.
  if (there === undefined || there.uid === process.getuid?.()) give(path, account);
}

function foreign(path: string, uid: number): ForgeError {
  return new ForgeError(
    EmbeddedPostgresErrors.dataDir,
    `the embedded database's folder ${path} belongs to another user (uid ${uid}), who used it first${uid === 65_534 ? ' (as root: PostgreSQL then runs as nobody)' : ''}. ` +
      `Run as that user or as root, or set FORGE_DATA_DIR to another folder, or remove this one to start afresh`,
  );
}

/** The password of the user `forge`, made at the first call. Only for the holder of a claim, or after a start. */
export function readPassword(dir: DataDir, account: ServerAccount | undefined): string {
  const file = join(dir.path, 'password');
  if (!existsSync(file)) {
    // Letters and digits: it goes into a URL as it is.
    writeFileSync(file, randomBytes(24).toString('hex'), { mode: 0o600, flag: 'wx' });
    give(file, account);
  }
  return readFileSync(file, 'utf8').trim();
}
