import { ForgeError } from '@forge/core';
import { execFile } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Binaries } from './binaries.ts';
import { readPassword, type DataDir } from './data-dir.ts';
import { EmbeddedPostgresErrors } from './errors.ts';
import { canEnter, give, type ServerAccount } from './server-account.ts';

const run = promisify(execFile);

/** The superuser that initdb makes, and that every client connects as. */
export const DATABASE_USER = 'forge';

/**
 * How the server's user names its data folder. As root, that user may not be able to reach it (below a 0700 home):
 * Linux then lets it use the folder that root has put it into.
 * @throws ForgeError dataDir
 */
export function reachableName(folder: string, account: ServerAccount | undefined): string {
  if (canEnter(folder, account)) return folder;
  if (process.platform === 'linux') return '/proc/self/cwd';
  throw new ForgeError(
    EmbeddedPostgresErrors.dataDir,
    `PostgreSQL does not run as root, and uid ${account?.uid} cannot reach ${folder}: set FORGE_DATA_DIR to a folder that it can`,
  );
}

/** An environment without PGDATA, PGPORT, NODE_OPTIONS and the like. */
export function serverEnv(): NodeJS.ProcessEnv {
  const { PATH, TZ, LD_LIBRARY_PATH } = process.env;
  return { PATH, TZ, LD_LIBRARY_PATH, LC_ALL: 'C' };
}

/**
 * Makes PostgreSQL's data folder if there is none yet, and checks its version if there is. Only for the holder of a claim.
 * @throws ForgeError dataVersion, startFailed
 */
export async function prepareCluster(
  dir: DataDir,
  binaries: Binaries,
  account: ServerAccount | undefined,
  options: { durable: boolean; onCreate(): void },
): Promise<void> {
  removeUnfinished(dir);
  if (statSync(dir.cluster, { throwIfNoEntry: false }) !== undefined) return checkVersion(dir, binaries);
  options.onCreate();
  readPassword(dir, account);
  const fresh = mkdtempSync(join(dir.path, 'data.new-'));
  give(fresh, account);
  const name = reachableName(fresh, account);
  // From 17 on: Unicode in upper() and lower(), and the speed and stability of comparing bytes.
  const locale =
    binaries.major >= 17 ? ['--locale=C', '--locale-provider=builtin', '--builtin-locale=C.UTF-8'] : ['--locale=C'];
  const args = [
    '-D',
    name,
    '-U',
    DATABASE_USER,
    '-E',
    'UTF8',
    ...locale,
    '--auth=scram-sha-256',
    `--pwfile=${name}/../password`,
  ];
  if (!options.durable) args.push('--no-sync');
  try {
    await run(binaries.initdb, args, { ...account, cwd: fresh, env: serverEnv() });
  } catch (cause) {
    rmSync(fresh, { recursive: true, force: true });
    const { stderr, message } = cause as Error & { stderr?: string };
    const nameless = stderr?.includes('could not look up effective user ID') === true;
    throw new ForgeError(
      EmbeddedPostgresErrors.startFailed,
      `initdb could not make the database in ${dir.path}: ${stderr?.trim() || message}` +
        (nameless
          ? ' in /etc/passwd: add it there, or run as root or another user, or set DATABASE_URL to a PostgreSQL'
          : ''),
      { cause },
    );
  }
  renameSync(fresh, dir.cluster);
}

/** What was left when a starter was killed. Its initdb may still write for a moment: the next start removes the rest. */
function removeUnfinished(dir: DataDir): void {
  for (const name of readdirSync(dir.path).filter((entry) => entry.startsWith('data.new-'))) {
    try {
      rmSync(join(dir.path, name), { recursive: true, force: true });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOTEMPTY') throw error;
    }
  }
}

function checkVersion(dir: DataDir, binaries: Binaries): void {
  const version = readFileSync(join(dir.cluster, 'PG_VERSION'), 'utf8').trim();
  if (Number(version) === binaries.major) return;
  throw new ForgeError(
    EmbeddedPostgresErrors.dataVersion,
    `the database in ${dir.path} was made by PostgreSQL ${version}, and this is PostgreSQL ${binaries.major}. ` +
      `Install the version of @forge/embedded-postgres that made it and move the data with pg_dump, or remove the folder to start afresh`,
  );
}
