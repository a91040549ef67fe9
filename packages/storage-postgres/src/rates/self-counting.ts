import type { SpanData } from '@forge/core';
import type { Database } from '../database.ts';
import { uuidBytes } from '../encode/span-row.ts';

const ASK_AGAIN_MS = 60_000;
const MAX_KNOWN = 10_000;

/** Nodes of this process that write counts of all their traffic themselves. */
const here = new Set<string>();

/** Says that a node counts its own traffic: its spans are not counted when they are stored. */
export function countsItself(nodeId: string): void {
  here.add(nodeId);
}

/** Which nodes count their own traffic: those of this process that said so, and those that send heartbeats. */
export class SelfCounting {
  readonly #database: Database;
  /** By node: when it was asked for, or Infinity where it does. */
  #known = new Map<string, number>();

  constructor(database: Database) {
    this.#database = database;
  }

  /** Asks about the nodes of these spans that are not known yet. */
  async learn(batch: readonly SpanData[]): Promise<void> {
    const nowMs = Date.now();
    const unknown = new Set<string>();
    let last: string | undefined;
    for (const { origin } of batch) {
      const { nodeId } = origin;
      if (nodeId === undefined || nodeId === last) continue;
      last = nodeId;
      const askedMs = this.#known.get(nodeId);
      if (here.has(nodeId) || (askedMs !== undefined && nowMs - askedMs < ASK_AGAIN_MS)) continue;
      if (uuidBytes(nodeId) !== undefined) unknown.add(nodeId);
    }
    if (unknown.size === 0) return;
    const rows = await this.#database.writer((sql) =>
      sql.query<{ node_id: string }>(this.#database.text(SELECT), [`{${[...unknown].join(',')}}`], { prepare: true }),
    );
    if (this.#known.size + unknown.size > MAX_KNOWN) this.#known = new Map();
    for (const nodeId of unknown) this.#known.set(nodeId, nowMs);
    for (const row of rows) this.#known.set(row.node_id, Number.POSITIVE_INFINITY);
  }

  has(nodeId: string | undefined): boolean {
    return nodeId !== undefined && (here.has(nodeId) || this.#known.get(nodeId) === Number.POSITIVE_INFINITY);
  }
}

const SELECT = `SELECT node_id FROM :"schema".forge_nodes WHERE node_id = ANY ($1::text::uuid[])`;
