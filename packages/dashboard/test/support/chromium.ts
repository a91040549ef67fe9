import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir, userInfo } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { brotliDecompressSync } from 'node:zlib';
import { chromium, type Browser } from 'playwright-core';

/** A browser to start, and what it needs in its environment. */
export interface ChromiumBinary {
  readonly path: string;
  readonly env: Readonly<Record<string, string>>;
}

const NAMES = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'];
const APPLICATIONS = [
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
  '/Applications/Chromium.app/Contents/MacOS/Chromium',
  String.raw`C:\Program Files\Google\Chrome\Application\chrome.exe`,
];

/**
 * `$CHROME_PATH`, a browser of the system, or the one inside the npm package `@sparticuz/chromium` (Linux x64),
 * unpacked once a user. @throws Error that says what to install
 */
export function findChromium(): ChromiumBinary {
  const chosen = process.env['CHROME_PATH'];
  if (chosen !== undefined && chosen !== '') {
    if (!existsSync(chosen)) throw new Error(`CHROME_PATH is ${chosen}, and there is nothing`);
    return { path: chosen, env: {} };
  }
  const folders = (process.env['PATH'] ?? '').split(delimiter);
  const installed = [...NAMES.flatMap((name) => folders.map((folder) => join(folder, name))), ...APPLICATIONS];
  const found = installed.find((path) => existsSync(path));
  if (found !== undefined) return { path: found, env: {} };
  if (process.platform === 'linux' && process.arch === 'x64') return unpackedChromium();
  throw new Error(
    'no Chromium: the browser tests need one. Install Chrome or Chromium, or set CHROME_PATH to its program.',
  );
}

function unpackedChromium(): ChromiumBinary {
  const require = createRequire(import.meta.url);
  const packed = join(dirname(require.resolve('@sparticuz/chromium')), '..', '..', 'bin');
  const folder = join(tmpdir(), `forge-chromium-147.0.0-${userInfo().uid}`);
  if (!existsSync(folder)) {
    // Unpacked aside and moved: test files run at once, and none may see half a browser.
    const aside = `${folder}-${process.pid}`;
    mkdirSync(aside, { recursive: true });
    writeFileSync(join(aside, 'chromium'), brotliDecompressSync(readFileSync(join(packed, 'chromium.br'))));
    chmodSync(join(aside, 'chromium'), 0o755);
    for (const name of ['al2023', 'fonts', 'swiftshader'])
      unpack(join(packed, `${name}.tar.br`), join(aside, name === 'swiftshader' ? '.' : name));
    try {
      renameSync(aside, folder);
    } catch {
      rmSync(aside, { recursive: true, force: true }); // Somebody else was first.
    }
  }
  const path = join(folder, 'chromium');
  const lacksLibraries = spawnSync('ldd', [path], { encoding: 'utf8' }).stdout?.includes('not found') ?? true;
  return { path, env: lacksLibraries ? { LD_LIBRARY_PATH: join(folder, 'al2023', 'lib') } : {} };
}

function unpack(archive: string, into: string): void {
  mkdirSync(into, { recursive: true });
  const { status, stderr } = spawnSync('tar', ['-x', '-C', into], {
    input: brotliDecompressSync(readFileSync(archive)),
  });
  if (status !== 0) throw new Error(`unpacking ${archive} failed: ${String(stderr)}`);
}

/** Starts the browser without a window, asking nobody on the network. */
export async function launchChromium(args: readonly string[] = []): Promise<Browser> {
  const { path, env } = findChromium();
  return chromium.launch({
    executablePath: path,
    env: { ...process.env, ...env },
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
      ...args,
    ],
  });
}
