import { Flag, MISSING_PARENT, NO_PARENT, writeId, type SpanTable } from './span-table.ts';

/** Rows with a forest of parents: every chain ends at -1. Rows from `table.count` on stand in for missing parents. */
export interface Parents {
  /** Number of rows, stand-ins included. */
  readonly count: number;
  readonly parent: Int32Array;
  /** `Flag.missing` and `Flag.cycle` of each row. */
  readonly flags: Uint16Array;
  readonly ids: Uint32Array;
  readonly missingParents: number;
  readonly cycles: number;
}

/**
 * Gives each missing parent a row of its own, so that siblings stay together, and cuts each cycle at its earliest span.
 * Linear, iterative.
 */
export function resolveParents(table: SpanTable): Parents {
  const standIns = new Map<string, number>();
  for (const [, id] of table.missing) if (!standIns.has(id)) standIns.set(id, table.count + standIns.size);
  const count = table.count + standIns.size;
  const parent = new Int32Array(count).fill(NO_PARENT);
  const flags = new Uint16Array(count);
  const ids = new Uint32Array(count * 2);
  ids.set(table.ids);
  for (let row = 0; row < table.count; row++) {
    const named = table.parent[row];
    parent[row] = named === MISSING_PARENT || named >= table.count ? NO_PARENT : named;
  }
  for (const [row, id] of table.missing) parent[row] = standIns.get(id)!;
  for (const [id, row] of standIns) {
    flags[row] = Flag.missing;
    writeId(ids, row, id);
  }
  const cycles = cutCycles(parent, flags, table.start);
  return { count, parent, flags, ids, missingParents: standIns.size, cycles };
}

function cutCycles(parent: Int32Array, flags: Uint16Array, start: Float64Array): number {
  const walk = new Int32Array(parent.length); // 0: not seen, else the number of the walk that saw it first
  let cycles = 0;
  for (let first = 0; first < parent.length; first++) {
    let row = first;
    while (row >= 0 && walk[row] === 0) {
      walk[row] = first + 1;
      row = parent[row]!;
    }
    if (row < 0 || walk[row] !== first + 1) continue;
    let earliest = row;
    for (let at = parent[row]; at !== row; at = parent[at]!)
      if (start[at] < start[earliest] || (start[at] === start[earliest] && at < earliest)) earliest = at;
    parent[earliest] = NO_PARENT;
    flags[earliest] |= Flag.cycle;
    cycles++;
  }
  return cycles;
}
