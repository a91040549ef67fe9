import {
  checkRange,
  storageError,
  StorageCode,
  type RatePoint,
  type RateQuery,
  type RateResult,
  type RateSeries,
} from '@forge/storage';
import type { Database } from '../database.ts';
import { DurationBuckets } from './duration-buckets.ts';
import { gridFor, readTraffic, type TrafficSums } from './read-traffic.ts';

const USUAL_QUANTILES = [0.5, 0.95, 0.99];

interface Column {
  readonly all: DurationBuckets;
  errors: number;
}

/** Requests, errors and durations over time; histograms are added up here, which SQL takes a hundred times longer for. */
export async function readRates(database: Database, query: RateQuery): Promise<RateResult> {
  checkRange(query);
  if (!Number.isInteger(query.limit) || query.limit < 1 || query.limit > 1000) {
    throw storageError(
      StorageCode.queryInvalid,
      `limit: ${query.limit} is not allowed; expected a whole number from 1 to 1000`,
    );
  }
  const quantiles = query.quantiles ?? USUAL_QUANTILES;
  const { by } = query;
  const groups = {
    service: by.includes('service'),
    operation: by.includes('operation'),
    resource: by.includes('resource'),
  };
  const grid = await gridFor(database, query, query.stepUs);
  const rows = await readTraffic(database, query, groups, grid);
  // Series first by their requests: only those that are shown are worth adding up.
  const series = new Map<string, { requests: number; rows: TrafficSums[] }>();
  for (const row of rows) {
    const key = JSON.stringify([row.service, row.operation, row.resource]);
    let one = series.get(key);
    if (one === undefined) series.set(key, (one = { requests: 0, rows: [] }));
    one.requests += row.count;
    one.rows.push(row);
  }
  const ordered = [...series].sort(([a, one], [b, two]) => two.requests - one.requests || (a < b ? -1 : 1));
  const shown = ordered.slice(0, query.limit).map(([, { rows: own }]): RateSeries => {
    const columns: (Column | undefined)[] = grid.startsUnixUs.map(() => undefined);
    const total: Column = { all: new DurationBuckets(), errors: 0 };
    for (const row of own) {
      const index = Math.floor((row.atUnixUs - grid.startsUnixUs[0]) / grid.stepUs);
      addRow((columns[index] ??= { all: new DurationBuckets(), errors: 0 }), row);
    }
    for (const column of columns) {
      if (column === undefined) continue;
      total.all.merge(column.all);
      total.errors += column.errors;
    }
    const [{ service, operation, resource }] = own;
    return {
      ...(service === null ? {} : { service }),
      ...(operation === null ? {} : { operation }),
      ...(resource === null ? {} : { resource }),
      total: pointOf(total, quantiles),
      points: columns.map((column) => pointOf(column, quantiles)),
    };
  });
  return {
    stepUs: grid.stepUs,
    startsUnixUs: grid.startsUnixUs,
    series: shown,
    omitted: ordered.length - shown.length,
  };
}

function addRow(column: Column, row: TrafficSums): void {
  if (row.failed) column.errors += row.count;
  column.all.addEncoded(row.histograms[0], row.count, row.sumUs, row.maxUs);
  for (let i = 1; i < row.histograms.length; i++) column.all.addEncoded(row.histograms[i], 0, 0, 0);
}

function pointOf(column: Column | undefined, quantiles: readonly number[]): RatePoint {
  if (column === undefined) return { requests: 0, errors: 0, sumUs: 0, maxUs: 0, quantilesUs: quantiles.map(() => 0) };
  const { all, errors } = column;
  return {
    requests: all.count,
    errors,
    sumUs: all.sumUs,
    maxUs: all.maxUs,
    quantilesUs: quantiles.map((q) => all.quantileUs(q)),
  };
}
