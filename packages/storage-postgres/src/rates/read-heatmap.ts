import { checkRange, heatRow, heatRowStartUs, type Heatmap, type HeatmapQuery } from '@forge/storage';
import type { Database } from '../database.ts';
import { bucketStartUs, DurationBuckets } from './duration-buckets.ts';
import { gridFor, readTraffic } from './read-traffic.ts';

/** Counts by time and duration; each row of the heatmap is some whole buckets of the histograms. */
export async function readHeatmap(database: Database, query: HeatmapQuery): Promise<Heatmap> {
  checkRange(query);
  const grid = await gridFor(database, query, query.stepUs);
  const rows = await readTraffic(database, query, { service: false, operation: false, resource: false }, grid);
  const columns = grid.startsUnixUs.map(() => new DurationBuckets());
  for (const row of rows) {
    if (query.status !== undefined && row.failed !== (query.status === 'error')) continue;
    const column = columns[Math.floor((row.atUnixUs - grid.startsUnixUs[0]) / grid.stepUs)];
    for (const histogram of row.histograms) column.addEncoded(histogram, 0, 0, 0);
  }
  const cells = columns.map((column) => heatOf(column.counts));
  const used = cells.flatMap((cell) => [...cell.keys()]);
  const lowest = used.reduce((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY);
  const highest = used.reduce((a, b) => Math.max(a, b), -1);
  const heatRows = highest < 0 ? [] : Array.from({ length: highest - lowest + 1 }, (_, i) => lowest + i);
  return {
    stepUs: grid.stepUs,
    startsUnixUs: grid.startsUnixUs,
    rowsUs: heatRows.map(heatRowStartUs),
    counts: cells.map((cell) => heatRows.map((row) => cell.get(row) ?? 0)),
  };
}

/** Counts by the heatmap's row. */
function heatOf(counts: Float64Array): Map<number, number> {
  const cell = new Map<number, number>();
  for (let bucket = 0; bucket < counts.length; bucket++) {
    const count = counts[bucket];
    if (count === 0) continue;
    const row = heatRow(bucketStartUs(bucket));
    cell.set(row, (cell.get(row) ?? 0) + count);
  }
  return cell;
}
