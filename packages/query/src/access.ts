import { createHash, timingSafeEqual } from 'node:crypto';
import { isIP } from 'node:net';
import { QueryErrors } from './errors.ts';
import { ProblemError } from './problem.ts';

/** Who may ask. Without any token: this machine alone. */
export interface AccessOptions {
  /** Bearer token for reading. Without one, reading is for loopback only. */
  readonly readToken?: string;
  /** Bearer token for writing (deleting, importing); reads too. Without one, writing is for loopback only, or for nobody where there is a `readToken`. */
  readonly writeToken?: string;
  /** Host names, without port, that are accepted beside the loopback ones when no token is needed. */
  readonly allowedHosts?: readonly string[];
}

/** What only the transport knows of a caller. */
export interface Peer {
  /** The other end's IP address. */
  readonly address?: string | undefined;
}

export type Access = 'read' | 'write';

/**
 * The check in front of every path.
 *
 * A web page that a developer visits can send requests to `localhost`, and after DNS rebinding also read the answers:
 * so without a token the Host header must name this machine. No cookies are ever looked at, no CORS header is ever
 * sent, so with a token a foreign page has nothing to send.
 */
export function createAccessCheck(options: AccessOptions): (request: Request, access: Access, peer: Peer) => void {
  const { readToken, writeToken } = options;
  for (const token of [readToken, writeToken]) if (token === '') throw new TypeError('a token must not be empty');
  const hosts = new Set(options.allowedHosts?.map((host) => host.toLowerCase()));

  return (request, access, peer) => {
    const given = bearerOf(request);
    if (writeToken !== undefined && given !== undefined && isSame(given, writeToken)) return;
    if (access === 'read' && readToken !== undefined && given !== undefined && isSame(given, readToken)) return;
    const needsToken =
      access === 'read' ? readToken !== undefined : readToken !== undefined || writeToken !== undefined;
    if (needsToken || given !== undefined) throw refusal(options, access, given);
    checkLoopback(request, peer, hosts);
    if (access === 'write') checkSameOrigin(request);
  };
}

function refusal({ readToken, writeToken }: AccessOptions, access: Access, given: string | undefined): ProblemError {
  if (access === 'write' && writeToken === undefined && readToken !== undefined)
    return new ProblemError(403, QueryErrors.forbidden, 'writing is off: no write token is configured');
  if (access === 'write' && given !== undefined && readToken !== undefined && isSame(given, readToken))
    return new ProblemError(403, QueryErrors.forbidden, 'the read token may not write; use the write token');
  const detail =
    given === undefined
      ? `a token is needed: Authorization: Bearer TOKEN`
      : readToken === undefined && writeToken === undefined
        ? 'no token is configured here; ask without one'
        : 'the token is not right';
  return new ProblemError(401, QueryErrors.unauthorized, detail, {}, { 'www-authenticate': 'Bearer realm="forge"' });
}

function bearerOf(request: Request): string | undefined {
  const header = request.headers.get('authorization');
  if (header === null) return undefined;
  return /^Bearer +(\S+)\s*$/i.exec(header)?.[1] ?? '';
}

/** In constant time, whatever the lengths. */
function isSame(given: string, expected: string): boolean {
  return timingSafeEqual(createHash('sha256').update(given).digest(), createHash('sha256').update(expected).digest());
}

function checkLoopback(request: Request, peer: Peer, allowedHosts: ReadonlySet<string>): void {
  const host = hostOf(request);
  if (!isLoopbackName(host) && !allowedHosts.has(host))
    throw new ProblemError(
      403,
      QueryErrors.forbidden,
      `without a token only this machine is answered, and the Host header says ${JSON.stringify(host)}; set a read token, or add the host to the allowed ones`,
    );
  // A proxy on this machine forwards strangers.
  const addresses = [peer.address, ...(request.headers.get('x-forwarded-for')?.split(',') ?? [])];
  const stranger = addresses.find((address) => address !== undefined && !isLoopbackAddress(address.trim()));
  if (stranger !== undefined || request.headers.has('forwarded'))
    throw new ProblemError(
      403,
      QueryErrors.forbidden,
      'without a token only this machine is answered, and this request came from another; set a read token',
    );
}

/** Forms and scripts of other sites can send, though not read: a write must not come from one. */
function checkSameOrigin(request: Request): void {
  const origin = request.headers.get('origin');
  const site = request.headers.get('sec-fetch-site');
  const host = request.headers.get('host') ?? new URL(request.url).host;
  const isForeignOrigin = origin !== null && origin !== `http://${host}` && origin !== `https://${host}`;
  if (isForeignOrigin || (site !== null && site !== 'same-origin' && site !== 'none'))
    throw new ProblemError(403, QueryErrors.forbidden, 'another site may not write here');
}

function hostOf(request: Request): string {
  const header = request.headers.get('host');
  const host = header ?? new URL(request.url).host;
  const match = /^(\[[0-9a-f:.]+\]|[^:[\]]+)(?::\d{1,5})?$/i.exec(host);
  return match === null ? host : match[1].toLowerCase().replace(/\.$/, '');
}

function isLoopbackName(host: string): boolean {
  return host === 'localhost' || host.endsWith('.localhost') || isLoopbackAddress(host.replace(/^\[|\]$/g, ''));
}

function isLoopbackAddress(address: string): boolean {
  const plain = address.startsWith('::ffff:') ? address.slice(7) : address;
  if (plain === '::1') return true;
  return isIP(plain) === 4 && plain.startsWith('127.');
}
