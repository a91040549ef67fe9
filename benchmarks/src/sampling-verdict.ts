import { readFileSync, readdirSync } from 'node:fs';
import postgres from 'postgres';

/** What the oracle files and the database say of a run, compared. */
export interface Verdict {
  readonly traces: number;
  readonly spans: number;
  readonly triggered: number;
  readonly triggeredWhole: number;
  /** Partial traces with a gap row, and without. */
  readonly partialWithGap: number;
  readonly partialSilent: number;
  /** Untriggered traces at or above the threshold that are not whole, and those below it with stored spans. */
  readonly headMissing: number;
  readonly headExtra: number;
  readonly headSampled: number;
  readonly gapRows: number;
  readonly gapsOfWholeTraces: number;
  readonly parkedLeft: number;
  /** Weighted count of http.request against the true one, with the standard error of the estimate. */
  readonly weightedRequests: number;
  readonly trueRequests: number;
  readonly standardError: number;
  /** The exact counts of all spans against the oracle's. */
  readonly trafficSpans: number;
  readonly trafficErrors: number;
  readonly oracleErrors: number;
  readonly examples: readonly string[];
}

interface OracleTrace {
  readonly spans: string[];
  triggered: boolean;
}

/** @param threshold the head threshold's 56 bits */
export async function judge(url: string, folder: string, threshold: bigint, sampleRate: number): Promise<Verdict> {
  const traces = new Map<string, OracleTrace>();
  let spans = 0;
  let trueRequests = 0;
  let oracleErrors = 0;
  for (const file of readdirSync(folder)) {
    for (const line of readFileSync(`${folder}/${file}`, 'utf8').split('\n')) {
      const [traceId, spanId, flags, name] = line.split(' ');
      if (name === undefined) continue;
      spans++;
      if (name === 'http.request') trueRequests++;
      let trace = traces.get(traceId);
      if (trace === undefined) traces.set(traceId, (trace = { spans: [], triggered: false }));
      trace.spans.push(spanId);
      if (flags.includes('e')) oracleErrors++;
      if (flags !== '-') trace.triggered = true;
    }
  }
  const sql = postgres(url, { max: 1, onnotice: () => undefined });
  const stored = new Map<string, Set<string>>();
  await sql`SELECT trace_id, span_id FROM forge_traces`.cursor(10_000, (rows) => {
    for (const { trace_id: traceId, span_id: spanId } of rows as unknown as { trace_id: string; span_id: string }[]) {
      const set = stored.get(traceId);
      if (set === undefined) stored.set(traceId, new Set([spanId]));
      else set.add(spanId);
    }
  });
  const gapRows = await sql<{ trace_id: string }[]>`SELECT DISTINCT trace_id FROM forge_trace_gaps`;
  const gaps = new Set(gapRows.map((row) => row.trace_id));
  const kept = new Set(
    (await sql<{ trace_id: string }[]>`SELECT DISTINCT trace_id FROM forge_trace_keeps WHERE reason <> 'park'`).map(
      (row) => row.trace_id,
    ),
  );
  const [weighted] = await sql<{ sum: number | null }[]>`
    SELECT sum(true_weight)::float8 AS sum FROM forge_weighted_traces WHERE operation_name = 'http.request'`;
  const [traffic] = await sql<{ all: string | null; errors: string | null }[]>`
    SELECT sum(count) AS all, sum(count) FILTER (WHERE status = 'error') AS errors FROM forge_traffic_1m`;
  const [parked] = await sql<{ n: string }[]>`
    SELECT count(*) AS n FROM forge_parked_spans p WHERE EXISTS (SELECT 1 FROM forge_trace_keeps k WHERE k.trace_id = p.trace_id AND k.reason <> 'park')`;
  await sql.end();

  const result = {
    triggered: 0,
    triggeredWhole: 0,
    partialWithGap: 0,
    partialSilent: 0,
    headMissing: 0,
    headExtra: 0,
    headSampled: 0,
    gapsOfWholeTraces: 0,
  };
  const examples: string[] = [];
  for (const [traceId, trace] of traces) {
    const set = stored.get(traceId);
    const missing = trace.spans.filter((spanId) => set?.has(spanId) !== true).length;
    const sampled = BigInt(`0x${traceId.slice(18)}`) >= threshold;
    // A trace that a node told others to keep counts as triggered, even where the oracle of a killed node is cut off.
    if (trace.triggered || kept.has(traceId)) {
      result.triggered++;
      if (missing === 0) {
        result.triggeredWhole++;
        if (gaps.has(traceId)) result.gapsOfWholeTraces++;
      } else if (gaps.has(traceId)) result.partialWithGap++;
      else {
        result.partialSilent++;
        if (examples.length < 5) examples.push(`${traceId}: ${missing} of ${trace.spans.length} missing`);
      }
      continue;
    }
    if (sampled) {
      result.headSampled++;
      if (missing > 0 && !gaps.has(traceId)) {
        result.headMissing++;
        if (examples.length < 5) examples.push(`${traceId}: sampled, ${missing} of ${trace.spans.length} missing`);
      }
    } else if (set !== undefined) {
      result.headExtra++;
      if (examples.length < 5) examples.push(`${traceId}: ${set.size} stored without a reason`);
    }
  }
  const untriggered = traces.size - result.triggered;
  return {
    traces: traces.size,
    spans,
    ...result,
    gapRows: gaps.size,
    parkedLeft: Number(parked.n),
    weightedRequests: weighted.sum ?? 0,
    trueRequests,
    standardError: sampleRate === 0 ? 0 : Math.sqrt((untriggered * (1 - sampleRate)) / sampleRate),
    trafficSpans: Number(traffic.all ?? 0),
    trafficErrors: Number(traffic.errors ?? 0),
    oracleErrors,
    examples,
  };
}
