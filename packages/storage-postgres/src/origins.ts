import { createHash } from 'node:crypto';
import type { Origin, Scope, SpanData } from '@forge/core';
import { attributesOf } from './decode-span.ts';
import { attributesJson, cleanText, type Alterations } from './encode/json.ts';
import { uuidBytes } from './encode/span-row.ts';
import type { Database } from './database.ts';

/** An origin and a scope as one row of forge_origins. */
export interface OriginEntry {
  /** The bigint's 8 bytes, as COPY BINARY wants them. */
  readonly bytes: Uint8Array;
  readonly id: string;
  readonly json: string;
}

const MAX_KNOWN = 10_000;

/**
 * Which row of forge_origins stands for which origin and scope. Ids are hashes of the content, so every writer finds
 * the same one without asking; rows are inserted before the spans that refer to them.
 */
export class Origins {
  readonly #database: Database;
  readonly #counts: Alterations;
  readonly #byOrigin = new WeakMap<Origin, WeakMap<Scope, OriginEntry>>();
  /** Ids that are in the table, with the day that their row says they were last seen on. */
  #written = new Map<string, string>();
  #read = new Map<string, { nodeName: string | undefined; attributes: unknown[]; scope: Scope }>();
  /** Origins as readers hand them out: one object for all spans of a process. */
  #origins = new Map<string, Origin>();

  constructor(database: Database, counts: Alterations) {
    this.#database = database;
    this.#counts = counts;
  }

  entryOf(origin: Origin, scope: Scope): OriginEntry {
    let scopes = this.#byOrigin.get(origin);
    if (scopes === undefined) this.#byOrigin.set(origin, (scopes = new WeakMap()));
    let entry = scopes.get(scope);
    if (entry === undefined) scopes.set(scope, (entry = makeEntry(origin, scope, this.#counts)));
    return entry;
  }

  /** Makes sure that the rows of these spans' origins are in the table. Once a day for each. */
  async ensure(batch: readonly SpanData[]): Promise<void> {
    const today = new Date().toISOString().slice(0, 10);
    const missing = new Map<string, OriginEntry>();
    let last: OriginEntry | undefined;
    for (const span of batch) {
      const entry = this.entryOf(span.origin, span.scope);
      if (entry === last) continue;
      last = entry;
      if (this.#written.get(entry.id) !== today) missing.set(entry.id, entry);
    }
    if (missing.size === 0) return;
    // In the order of ids, as every writer does it: rows locked in one order cannot deadlock.
    const rows = `[${[...missing.values()].map((entry) => entry.json).join(',')}]`;
    await this.#database.writer((sql) => sql.query(this.#database.text(INSERT), [rows], { prepare: true }));
    if (this.#written.size + missing.size > MAX_KNOWN) this.#written = new Map();
    for (const id of missing.keys()) this.#written.set(id, today);
  }

  /** Loads what is not yet known of these ids, so that `originOf` and `scopeOf` answer. */
  async load(ids: Iterable<string>): Promise<void> {
    const unknown = [...new Set(ids)].filter((id) => !this.#read.has(id));
    if (unknown.length === 0) return;
    const rows = await this.#database.reader((sql) =>
      sql.query<OriginRow>(this.#database.text(SELECT), [`{${unknown.join(',')}}`], { prepare: true }),
    );
    if (this.#read.size + rows.length > MAX_KNOWN) {
      this.#read = new Map();
      this.#origins = new Map();
    }
    for (const row of rows) {
      const scope = {
        name: row.scope_name,
        version: row.scope_version ?? undefined,
        attributes: attributesOf(row.scope_attributes),
      };
      this.#read.set(row.origin_id, {
        nodeName: row.node_name ?? undefined,
        attributes: attributesOf(row.attributes),
        scope,
      });
    }
  }

  originOf(id: string | null, serviceName: string, nodeId: string | null): Origin {
    const key = `${id} ${nodeId} ${serviceName}`;
    let origin = this.#origins.get(key);
    if (origin === undefined) {
      const known = id === null ? undefined : this.#read.get(id);
      origin = { serviceName, nodeId: nodeId ?? known?.nodeName, attributes: known?.attributes ?? [] };
      if (this.#origins.size >= MAX_KNOWN) this.#origins = new Map();
      this.#origins.set(key, origin);
    }
    return origin;
  }

  scopeOf(id: string | null): Scope {
    return (id === null ? undefined : this.#read.get(id)?.scope) ?? UNKNOWN_SCOPE;
  }
}

const UNKNOWN_SCOPE: Scope = { name: '', version: undefined, attributes: [] };

interface OriginRow {
  readonly origin_id: string;
  readonly node_name: string | null;
  readonly attributes: string;
  readonly scope_name: string;
  readonly scope_version: string | null;
  readonly scope_attributes: string;
}

const INSERT = `
INSERT INTO :"schema".forge_origins AS known
  (origin_id, node_name, attributes, scope_name, scope_version, scope_attributes, last_seen)
SELECT (entry->>'id')::bigint, entry->>'node', entry->'attributes', entry->>'scope', entry->>'version',
  entry->'scope_attributes', (now() AT TIME ZONE 'UTC')::date
FROM jsonb_array_elements($1::text::jsonb) AS entry
ORDER BY 1
ON CONFLICT (origin_id) DO UPDATE SET last_seen = excluded.last_seen WHERE known.last_seen < excluded.last_seen`;

const SELECT = `
SELECT origin_id::text, node_name, attributes::text, scope_name, scope_version, scope_attributes::text
FROM :"schema".forge_origins
WHERE origin_id = ANY ($1::text::bigint[])`;

function makeEntry(origin: Origin, scope: Scope, counts: Alterations): OriginEntry {
  const nodeName =
    origin.nodeId === undefined || uuidBytes(origin.nodeId) !== undefined ? null : cleanText(origin.nodeId, counts);
  const members =
    `"node":${JSON.stringify(nodeName)},"attributes":${attributesJson(origin.attributes, counts)},` +
    `"scope":${JSON.stringify(cleanText(scope.name, counts))},"version":${JSON.stringify(scope.version ?? null)},` +
    `"scope_attributes":${attributesJson(scope.attributes, counts)}`;
  const bytes = createHash('sha256').update(members).digest().subarray(0, 8);
  const id = bytes.readBigInt64BE(0).toString();
  return { bytes, id, json: `{"id":"${id}",${members}}` };
}
