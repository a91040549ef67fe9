import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ForgeError } from '@forge/core';
import { DashboardErrors } from './errors.ts';

/** Absolute path of the folder with the viewer's files: `index.html` and `assets/`. */
export const dashboardDir: string = fileURLToPath(new URL('../dist/client/', import.meta.url));

export interface StaticFile {
  readonly contentType: string;
  readonly etag: string;
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** The same compressed, where the build made it. */
  readonly brotli: Uint8Array<ArrayBuffer> | undefined;
  readonly gzip: Uint8Array<ArrayBuffer> | undefined;
}

const CONTENT_TYPES: Readonly<Record<string, string>> = {
  html: 'text/html; charset=utf-8',
  js: 'text/javascript; charset=utf-8',
  css: 'text/css; charset=utf-8',
  svg: 'image/svg+xml',
  woff2: 'font/woff2',
  txt: 'text/plain; charset=utf-8',
};

/**
 * All files of a folder by their path in it (`assets/index-x.js`), read once: they are few and small. Only what is
 * listed here is ever served, so no request can name a path outside.
 * @throws ForgeError FORGE_DASHBOARD_NOT_BUILT where there is no `index.html`
 */
export async function readStaticFiles(dir: string): Promise<ReadonlyMap<string, StaticFile>> {
  const names = await readdir(dir, { recursive: true, withFileTypes: true }).catch(() => []);
  const bytes = new Map<string, Uint8Array<ArrayBuffer>>();
  for (const entry of names) {
    if (!entry.isFile()) continue;
    const path = join(entry.parentPath, entry.name);
    bytes.set(path.slice(join(dir, '/').length).replaceAll('\\', '/'), new Uint8Array(await readFile(path)));
  }
  if (!bytes.has('index.html'))
    throw new ForgeError(DashboardErrors.notBuilt, `the viewer's files are not in ${dir}; build this package first`);
  const files = new Map<string, StaticFile>();
  for (const [path, content] of bytes) {
    const contentType = CONTENT_TYPES[/\.(\w+)$/.exec(path)?.[1] ?? ''];
    if (contentType === undefined) continue;
    files.set(path, {
      contentType,
      etag: `"${createHash('sha256').update(content).digest('base64url').slice(0, 22)}"`,
      bytes: content,
      brotli: bytes.get(`${path}.br`),
      gzip: bytes.get(`${path}.gz`),
    });
  }
  return files;
}
