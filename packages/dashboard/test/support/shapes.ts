import type { ColumnsJson } from '@forge/query';

/** Traces of one extreme each, by the number of spans. */
export const SHAPES = {
  tree: treeColumns,
  chain: (count: number) =>
    columnsOf(
      count,
      (row) => (row === 0 ? -1 : row - 1),
      (row) => ({ start: row, duration: (count - row) * 2 }),
    ),
  siblings: (count: number) =>
    columnsOf(
      count,
      (row) => (row === 0 ? -1 : 0),
      (row) => (row === 0 ? { start: 0, duration: count * 12 } : { start: row * 11, duration: 9 + (row % 7) }),
    ),
  overlapping: (count: number) =>
    columnsOf(
      count,
      (row) => (row === 0 ? -1 : 0),
      (row) => ({ start: row, duration: count * 2 - row }),
    ),
  instants: (count: number) =>
    columnsOf(
      count,
      (row) => (row === 0 ? -1 : (row - 1) >> 2),
      () => ({ start: 0, duration: 0 }),
    ),
  cycle: (count: number) =>
    columnsOf(
      count,
      (row) => (row + 1) % count,
      (row) => ({ start: row, duration: 1 }),
    ),
  orphans: (count: number) =>
    columnsOf(
      count,
      () => -2,
      (row) => ({ start: row * 3, duration: 20 }),
    ),
  manyServices: (count: number) => ({
    ...treeColumns(count),
    strings: Array.from({ length: count + 1 }, (_, at) => (at === 0 ? 'op' : `service-${at}`)),
    name: Array.from({ length: count }, () => 0),
    resource: Array.from({ length: count }, () => 0),
    service: Array.from({ length: count }, (_, row) => row + 1),
  }),
} satisfies Readonly<Record<string, (count: number) => ColumnsJson>>;

export type ShapeName = keyof typeof SHAPES;

/** A trace id that names a shape, for the test server: `…7ree0001…` would be no hex, so shapes are numbered. */
export function shapeTraceId(shape: ShapeName, count: number): string {
  const at = Object.keys(SHAPES).indexOf(shape);
  return `5a${at.toString(16).padStart(2, '0')}${count.toString(16).padStart(28, '0')}`;
}

export function columnsOfTraceId(traceId: string): ColumnsJson | undefined {
  if (!/^5a0[0-7]0{10}/.test(traceId)) return undefined;
  const [, make] = Object.entries(SHAPES)[Number.parseInt(traceId.slice(2, 4), 16)];
  return { ...make(Number.parseInt(traceId.slice(4), 16)), trace_id: traceId };
}

const OPERATIONS = [
  ['http.request', 'POST /api/orders', 'gateway'],
  ['function.execute', 'create_order', 'function-executor'],
  ['db.query', 'SELECT users', 'function-executor'],
  ['db.query', 'INSERT orders', 'function-executor'],
  ['http.client', 'api.stripe.example', 'payments'],
  ['grpc.call', 'inventory.Stock/Reserve', 'inventory'],
  ['job.execute', 'send_confirmation', 'worker'],
  ['cache.get', 'session', 'cache'],
] as const;

function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

/** A tree of any size as services make it: calls within calls, one after another and at once, some that fail, logs. */
export function treeColumns(count: number): ColumnsJson {
  const next = random(count);
  const spans: { parent: number; start: number; end: number; at: number }[] = [];
  // Each span hands parts of its time to children until there are enough.
  const queue: number[] = [];
  const total = Math.max(2000, count * 40);
  const add = (parent: number, start: number, end: number, at: number): void => {
    queue.push(
      spans.push({ parent, start: Math.floor(start), end: Math.max(Math.floor(start), Math.floor(end)), at }) - 1,
    );
  };
  add(-1, 0, total, 0);
  for (let head = 0; head < queue.length && spans.length < count; head++) {
    const span = queue[head];
    const { start, end } = spans[span];
    const children = 2 + Math.floor(next() * 10);
    const isParallel = next() < 0.3;
    for (let child = 0; child < children && spans.length < count; child++) {
      const slot = (end - start) / children;
      const from = isParallel ? start + next() * slot : start + child * slot + next() * slot * 0.3;
      const to = isParallel ? from + (end - from) * (0.4 + next() * 0.6) : from + slot * (0.3 + next() * 0.6);
      add(span, from, Math.min(to, end), 1 + Math.floor(next() * (OPERATIONS.length - 1)));
    }
  }
  const order = [...spans.keys()].sort((a, b) => spans[a].start - spans[b].start || a - b);
  const rowOf = new Map(order.map((span, row) => [span, row]));
  const base = columnsOf(
    count,
    (row) => (spans[order[row]].parent < 0 ? -1 : rowOf.get(spans[order[row]].parent)!),
    (row) => ({ start: spans[order[row]].start, duration: spans[order[row]].end - spans[order[row]].start }),
  );
  const strings = [...new Set(OPERATIONS.flat()), 'info', 'warn', 'error'];
  const text = (value: string): number => strings.indexOf(value);
  const operation = (row: number): (typeof OPERATIONS)[number] => OPERATIONS[spans[order[row]].at];
  const logs: ColumnsJson['logs'] = { row: [], time: [], label: [] };
  const status = base.status.map((_, row) => {
    const isError = next() < 0.004;
    if (next() < 0.03 || isError) {
      logs.row.push(row);
      logs.time.push(base.start[row] + Math.floor(base.duration[row] / 2));
      logs.label.push(text(isError ? 'error' : 'info'));
    }
    return isError ? 2 : 0;
  });
  return {
    ...base,
    strings,
    name: base.name.map((_, row) => text(operation(row)[0])),
    resource: base.name.map((_, row) => text(operation(row)[1])),
    service: base.name.map((_, row) => text(operation(row)[2])),
    status,
    logs,
  };
}

function columnsOf(
  count: number,
  parent: (row: number) => number,
  time: (row: number) => { start: number; duration: number },
): ColumnsJson {
  const rows = Array.from({ length: count }, (_, row) => row);
  const times = rows.map(time);
  const parents = rows.map(parent);
  const zeros = rows.map(() => 0);
  return {
    trace_id: '',
    start_us: 1_763_800_000_000_000,
    duration_us: times.reduce((most, { start, duration }) => Math.max(most, start + duration), 0),
    kept: 'head',
    gaps: [],
    count,
    span_ids: rows.map((row) => (row + 1).toString(16).padStart(16, '0')).join(''),
    parent: parents,
    missing_parent: rows
      .filter((row) => parents[row] === -2)
      .map((row) => [row, (0xabc000 + (row % 50)).toString(16).padStart(16, '0')]),
    start: times.map(({ start }) => start),
    duration: times.map(({ duration }) => duration),
    strings: ['db.query', 'SELECT users', 'app'],
    name: zeros,
    resource: rows.map(() => 1),
    service: rows.map(() => 2),
    node: rows.map(() => -1),
    kind: zeros,
    status: zeros,
    flags: zeros,
    logs: { row: [], time: [], label: [] },
  };
}
