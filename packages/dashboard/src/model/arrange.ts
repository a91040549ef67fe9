import { findSkew, processKey, type SkewByProcess } from './clock-skew.ts';
import { resolveParents, type Parents } from './parents.ts';
import { selfTimes } from './self-time.ts';
import { Flag, STATUS_ERROR, type SpanTable } from './span-table.ts';
import type { ClockSkew, ServiceShare, Trace } from './trace.ts';

export interface ArrangeOptions {
  /** Whether to correct clocks that are provably off. */
  readonly correctSkew: boolean;
}

/**
 * Puts spans in the order of their tree. O(n log n) at most (linear where the rows come sorted by start), iterative:
 * a chain of any depth and a parent of any width are fine.
 */
export function arrange(table: SpanTable, options: ArrangeOptions = { correctSkew: false }): Trace {
  const parents = resolveParents(table);
  const deltas = findSkew(table, parents);
  const { start, duration } = timesOf(table, parents, options.correctSkew ? deltas : undefined);
  const row = preorder(parents, rowsByStart(start));
  const { count } = parents;
  const nodeOfRow = new Int32Array(count);
  for (let node = 0; node < count; node++) nodeOfRow[row[node]] = node;

  const parent = new Int32Array(count);
  const depth = new Int32Array(count);
  let maxDepth = 0;
  for (let node = 0; node < count; node++) {
    const parentRow = parents.parent[row[node]];
    const above = parentRow < 0 ? -1 : nodeOfRow[parentRow];
    parent[node] = above;
    depth[node] = above < 0 ? 0 : depth[above] + 1;
    if (depth[node] > maxDepth) maxDepth = depth[node]!;
  }

  const nodeStart = permute(new Float64Array(count), start, row);
  const nodeDuration = permute(new Float64Array(count), duration, row);
  const nodeStatus = permuteRows(new Uint8Array(count), table.status, row, 0);
  const flags = permuteRows(new Uint16Array(count), table.flags, row, 0);
  const ids = new Uint32Array(count * 2);
  for (let node = 0; node < count; node++) {
    flags[node] |= parents.flags[row[node]];
    ids[node * 2] = parents.ids[row[node] * 2]!;
    ids[node * 2 + 1] = parents.ids[row[node] * 2 + 1]!;
  }

  const size = new Int32Array(count).fill(1);
  const children = new Int32Array(count);
  const errorsBelow = new Int32Array(count);
  const subtreeStart = nodeStart.slice();
  const subtreeEnd = new Float64Array(count);
  let startUs = Infinity;
  let endUs = -Infinity;
  let errors = 0;
  for (let node = 0; node < count; node++) subtreeEnd[node] = nodeStart[node] + nodeDuration[node];
  for (let node = count - 1; node >= 0; node--) {
    const failed = nodeStatus[node] === STATUS_ERROR ? 1 : 0;
    errors += failed;
    if (subtreeStart[node] < startUs) startUs = subtreeStart[node]!;
    if (subtreeEnd[node] > endUs) endUs = subtreeEnd[node]!;
    const above = parent[node];
    if (above < 0) continue;
    size[above] += size[node];
    children[above]++;
    errorsBelow[above] += errorsBelow[node] + failed;
    if (subtreeStart[node] < subtreeStart[above]) subtreeStart[above] = subtreeStart[node]!;
    if (subtreeEnd[node] > subtreeEnd[above]) subtreeEnd[above] = subtreeEnd[node]!;
  }

  const service = permuteRows(new Int32Array(count), table.service, row, -1);
  const process = permuteRows(new Int32Array(count), table.process, row, -1);
  const self = selfTimes(size, nodeStart, nodeDuration);
  for (let node = 0; node < count; node++) if ((flags[node] & Flag.missing) !== 0) self[node] = 0;
  return {
    traceId: table.traceId,
    startUnixUs: table.startUnixUs,
    startUs: count === 0 ? 0 : startUs,
    endUs: count === 0 ? 0 : endUs,
    kept: table.kept,
    gaps: table.gaps,
    count,
    spans: table.count,
    errors,
    missingParents: parents.missingParents,
    cycles: parents.cycles,
    maxDepth,
    ids,
    row: row.map((at) => (at < table.count ? at : -1)),
    parent,
    size,
    children,
    depth,
    start: nodeStart,
    duration: nodeDuration,
    self,
    subtreeStart,
    subtreeEnd,
    strings: table.strings,
    name: permuteRows(new Int32Array(count), table.name, row, -1),
    resource: permuteRows(new Int32Array(count), table.resource, row, -1),
    service,
    process,
    kind: permuteRows(new Uint8Array(count), table.kind, row, 0),
    status: nodeStatus,
    flags,
    errorsBelow,
    ...logsByNode(table, nodeOfRow, count, options.correctSkew ? deltas : undefined),
    services: serviceShares(table, service, nodeStatus, self),
    skew: skewOf(table, deltas, options.correctSkew, service, process),
  };
}

/** Start and duration of each row; a stand-in spans the children that named it. */
function timesOf(
  table: SpanTable,
  parents: Parents,
  deltas: SkewByProcess | undefined,
): { start: Float64Array; duration: Float64Array } {
  const start = new Float64Array(parents.count);
  const duration = new Float64Array(parents.count);
  start.set(table.start);
  duration.set(table.duration);
  if (deltas !== undefined && deltas.size > 0)
    for (let row = 0; row < table.count; row++)
      start[row] += deltas.get(processKey(table.process[row], table.service[row])) ?? 0;
  const end = new Float64Array(parents.count - table.count).fill(-Infinity);
  start.fill(Infinity, table.count);
  for (const [row] of table.missing) {
    const standIn = parents.parent[row];
    if (standIn < table.count) continue; // it was the end of a cycle that got cut
    if (start[row] < start[standIn]) start[standIn] = start[row]!;
    end[standIn - table.count] = Math.max(end[standIn - table.count], start[row] + duration[row]);
  }
  for (let row = table.count; row < parents.count; row++) duration[row] = end[row - table.count] - start[row];
  return { start, duration };
}

/** Rows by start, then row. The API's rows are sorted already, so mostly there is nothing to do. */
function rowsByStart(start: Float64Array): Int32Array {
  const rows = new Int32Array(start.length);
  let sorted = true;
  for (let row = 0; row < rows.length; row++) {
    rows[row] = row;
    if (row > 0 && start[row] < start[row - 1]) sorted = false;
  }
  return sorted ? rows : rows.sort((a, b) => start[a] - start[b] || a - b);
}

/** Rows in the order of the tree: parents first, siblings as in `rows`. */
function preorder(parents: Parents, rows: Int32Array): Int32Array {
  const { count, parent } = parents;
  // Children of row r: childRows from begin[r + 1] to begin[r + 2]; the roots stand at r = -1.
  const begin = new Int32Array(count + 2);
  for (let row = 0; row < count; row++) begin[parent[row] + 2]++;
  for (let at = 1; at < begin.length; at++) begin[at] += begin[at - 1];
  const next = begin.slice();
  const childRows = new Int32Array(count);
  for (const row of rows) childRows[next[parent[row] + 1]++] = row;

  const order = new Int32Array(count);
  const stack = new Int32Array(count);
  let depth = 0;
  let at = 0;
  const push = (row: number): void => {
    for (let child = begin[row + 2] - 1; child >= begin[row + 1]; child--) stack[depth++] = childRows[child]!;
  };
  push(-1);
  while (depth > 0) {
    const row = stack[--depth];
    order[at++] = row;
    push(row);
  }
  return order;
}

function permute<T extends Float64Array>(into: T, from: T, row: Int32Array): T {
  for (let node = 0; node < row.length; node++) into[node] = from[row[node]]!;
  return into;
}

function permuteRows<T extends Uint8Array | Uint16Array | Int32Array>(
  into: T,
  from: T,
  row: Int32Array,
  standIn: number,
): T {
  for (let node = 0; node < row.length; node++) into[node] = row[node] < from.length ? from[row[node]] : standIn;
  return into;
}

function logsByNode(
  table: SpanTable,
  nodeOfRow: Int32Array,
  count: number,
  deltas: SkewByProcess | undefined,
): { logBegin: Int32Array; logTime: Float64Array; logLabel: Int32Array } {
  const logs = table.logRow.length;
  const logBegin = new Int32Array(count + 1);
  for (let log = 0; log < logs; log++) logBegin[nodeOfRow[table.logRow[log]] + 1]++;
  for (let node = 0; node < count; node++) logBegin[node + 1] += logBegin[node];
  const next = logBegin.slice();
  const logTime = new Float64Array(logs);
  const logLabel = new Int32Array(logs);
  for (let log = 0; log < logs; log++) {
    const row = table.logRow[log];
    const at = next[nodeOfRow[row]]++;
    logTime[at] = table.logTime[log] + (deltas?.get(processKey(table.process[row], table.service[row])) ?? 0);
    logLabel[at] = table.logLabel[log]!;
  }
  return { logBegin, logTime, logLabel };
}

function serviceShares(table: SpanTable, service: Int32Array, status: Uint8Array, self: Float64Array): ServiceShare[] {
  const shares = new Map<number, { service: number; name: string; spans: number; errors: number; selfUs: number }>();
  for (let node = 0; node < service.length; node++) {
    const at = service[node];
    if (at < 0) continue;
    let share = shares.get(at);
    if (share === undefined)
      shares.set(at, (share = { service: at, name: table.strings[at] ?? '', spans: 0, errors: 0, selfUs: 0 }));
    share.spans++;
    share.selfUs += self[node];
    if (status[node] === STATUS_ERROR) share.errors++;
  }
  return [...shares.values()].sort((a, b) => b.spans - a.spans || (a.name < b.name ? -1 : 1));
}

function skewOf(
  table: SpanTable,
  deltas: SkewByProcess,
  applied: boolean,
  service: Int32Array,
  process: Int32Array,
): ClockSkew {
  if (deltas.size === 0) return { applied, processes: [], deltaUs: new Float64Array(0) };
  const deltaUs = new Float64Array(service.length);
  const labels = new Map<number, string>();
  for (let node = 0; node < service.length; node++) {
    if (service[node] < 0) continue;
    const key = processKey(process[node], service[node]);
    const delta = deltas.get(key);
    if (delta === undefined) continue;
    deltaUs[node] = delta;
    if (!labels.has(key)) labels.set(key, table.strings[service[node]] ?? '');
  }
  const processes = [...labels].map(([key, label]) => ({ process: key, label, deltaUs: deltas.get(key)! }));
  return { applied, processes, deltaUs };
}
