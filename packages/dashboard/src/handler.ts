import { dashboardDir, readStaticFiles, type StaticFile } from './static-files.ts';

export interface DashboardOptions {
  /** Where the viewer is mounted. Default `/`. */
  readonly basePath?: string;
  /** Where the REST API answers, on the same origin. Default `/_api`. */
  readonly apiPath?: string;
  /** Folder with the built files. Default `dashboardDir`. */
  readonly dir?: string;
}

/** Answers a web Request for a file or a page of the viewer; paths outside `basePath` with 404. */
export type DashboardHandler = (request: Request) => Response | Promise<Response>;

/** Nothing but this origin's own files runs, is drawn or is asked; nobody may frame it. */
const CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "worker-src 'self'",
  "style-src 'self'",
  "font-src 'self'",
  "img-src 'self'",
  "connect-src 'self'",
  "base-uri 'self'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
  'trusted-types default',
].join('; ');

const SAFE_HEADERS: Readonly<Record<string, string>> = {
  'content-security-policy': CONTENT_SECURITY_POLICY,
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'permissions-policy': 'camera=(), microphone=(), geolocation=()',
};

/**
 * Serves the viewer: files under `assets/` by their hashed names, for good; every other path is a page of it, so deep
 * links and the back button work.
 * @throws TypeError for a path that is none
 */
export function createDashboardHandler(options: DashboardOptions = {}): DashboardHandler {
  const basePath = withoutSlash(options.basePath ?? '/', 'basePath');
  const apiPath = withoutSlash(options.apiPath ?? '/_api', 'apiPath');
  const dir = options.dir ?? dashboardDir;
  let loading: Promise<ReadonlyMap<string, StaticFile>> | undefined;
  const load = (): Promise<ReadonlyMap<string, StaticFile>> => {
    loading ??= readStaticFiles(dir).then((files) => withPaths(files, basePath, apiPath));
    // A failed read is tried again by the next request.
    loading.catch(() => (loading = undefined));
    return loading;
  };
  return async (request) => {
    if (request.method !== 'GET' && request.method !== 'HEAD') return plain(405, 'only GET', { allow: 'GET, HEAD' });
    const { pathname } = new URL(request.url);
    if (pathname === basePath) return plain(308, '', { location: `${basePath}/` });
    if (!pathname.startsWith(`${basePath}/`)) return plain(404, 'nothing is here');
    const path = pathname.slice(basePath.length + 1);
    const files = await load();
    const file = files.get(path);
    if (file !== undefined && path !== 'index.html') return answer(request, file, path.startsWith('assets/'));
    if (path.startsWith('assets/')) return plain(404, 'no such file');
    return answer(request, files.get('index.html')!, false);
  };
}

function withoutSlash(path: string, name: string): string {
  if (!/^(?:\/[\w.~-]+)*\/?$/.test(path))
    throw new TypeError(`${name} ${JSON.stringify(path)} is not a path such as /traces`);
  return path.replace(/\/$/, '');
}

/** Writes where the viewer and the API are into the page: it has no other configuration, and no inline script. */
function withPaths(
  files: ReadonlyMap<string, StaticFile>,
  basePath: string,
  apiPath: string,
): ReadonlyMap<string, StaticFile> {
  const index = files.get('index.html')!;
  const html = new TextDecoder()
    .decode(index.bytes)
    .replace('<base href="/"', `<base href="${basePath}/"`)
    .replace('name="forge-api" content="/_api"', `name="forge-api" content="${apiPath}"`);
  const page: StaticFile = {
    ...index,
    etag: `"${index.etag.slice(1, -1)}-${Buffer.from(`${basePath}|${apiPath}`).toString('base64url')}"`,
    bytes: new TextEncoder().encode(html),
    brotli: undefined,
    gzip: undefined,
  };
  return new Map([...files, ['index.html', page]]);
}

function answer(request: Request, file: StaticFile, forGood: boolean): Response {
  const headers: Record<string, string> = {
    ...SAFE_HEADERS,
    'content-type': file.contentType,
    'cache-control': forGood ? 'public, max-age=31536000, immutable' : 'no-cache',
    etag: file.etag,
    vary: 'accept-encoding',
  };
  if (request.headers.get('if-none-match')?.includes(file.etag) === true)
    return new Response(null, { status: 304, headers });
  const accepted = request.headers.get('accept-encoding') ?? '';
  let body = file.bytes;
  for (const [coding, bytes] of [
    ['br', file.brotli],
    ['gzip', file.gzip],
  ] as const) {
    if (bytes === undefined || !accepts(accepted, coding)) continue;
    headers['content-encoding'] = coding;
    body = bytes;
    break;
  }
  headers['content-length'] = String(body.byteLength);
  return new Response(request.method === 'HEAD' ? null : body, { headers });
}

/** Whether an Accept-Encoding header takes `coding`: named, and not with a weight of 0. */
function accepts(header: string, coding: string): boolean {
  for (const part of header.split(',')) {
    const [name, ...parameters] = part.split(';').map((text) => text.trim().toLowerCase());
    if (name === coding) return !parameters.some((parameter) => /^q=0(?:\.0*)?$/.test(parameter));
  }
  return false;
}

function plain(status: number, text: string, headers: Record<string, string> = {}): Response {
  const type = { 'content-type': 'text/plain; charset=utf-8', 'cache-control': 'no-cache' };
  return new Response(text, { status, headers: { ...SAFE_HEADERS, ...type, ...headers } });
}
