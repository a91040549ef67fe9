import type { Heatmap, RatePoint, RateResult, RateSeries, ServiceEdge } from '@forge/storage';

/** Requests, errors and durations over time, as `GET /_api/rates` answers them. */
export interface RatesJson {
  /** Time between two points. */
  step_us: number;
  /** Starts of the points, Unix microseconds, ascending; each column of `points` has a value for each. */
  starts_us: number[];
  /** The shares that `quantiles_us` stand for. */
  quantiles: number[];
  series: RateSeriesJson[];
  /** Series beyond `limit`. */
  omitted: number;
}

/** Names only of the dimensions in `by`. */
export interface RateSeriesJson {
  service_name?: string;
  operation_name?: string;
  resource?: string;
  total: RatePointJson;
  points: {
    requests: number[];
    errors: number[];
    sum_us: number[];
    max_us: number[];
    /** By quantile, then time. */
    quantiles_us: number[][];
  };
}

export interface RatePointJson {
  requests: number;
  errors: number;
  sum_us: number;
  max_us: number;
  quantiles_us: number[];
}

/** How many spans took how long, over time, as `GET /_api/heatmap` answers it. */
export interface HeatmapJson {
  step_us: number;
  starts_us: number[];
  /** The lowest duration of each row, ascending: powers of the square root of 2, rounded. */
  rows_us: number[];
  /** By time, then row. */
  counts: number[][];
}

/** Who called whom, as `GET /_api/edges` answers it. */
export interface EdgesJson {
  edges: EdgeJson[];
}

export interface EdgeJson {
  parent_service: string;
  child_service: string;
  requests: number;
  errors: number;
  sum_us: number;
  max_us: number;
}

export function ratesToJson(result: RateResult, quantiles: readonly number[]): RatesJson {
  return {
    step_us: result.stepUs,
    starts_us: [...result.startsUnixUs],
    quantiles: [...quantiles],
    series: result.series.map((series) => seriesToJson(series, quantiles)),
    omitted: result.omitted,
  };
}

function seriesToJson(series: RateSeries, quantiles: readonly number[]): RateSeriesJson {
  const { points } = series;
  return {
    ...(series.service === undefined ? {} : { service_name: series.service }),
    ...(series.operation === undefined ? {} : { operation_name: series.operation }),
    ...(series.resource === undefined ? {} : { resource: series.resource }),
    total: pointToJson(series.total),
    points: {
      requests: points.map((point) => point.requests),
      errors: points.map((point) => point.errors),
      sum_us: points.map((point) => point.sumUs),
      max_us: points.map((point) => point.maxUs),
      quantiles_us: quantiles.map((_, i) => points.map((point) => point.quantilesUs[i])),
    },
  };
}

function pointToJson(point: RatePoint): RatePointJson {
  return {
    requests: point.requests,
    errors: point.errors,
    sum_us: point.sumUs,
    max_us: point.maxUs,
    quantiles_us: [...point.quantilesUs],
  };
}

export function heatmapToJson(heatmap: Heatmap): HeatmapJson {
  return {
    step_us: heatmap.stepUs,
    starts_us: [...heatmap.startsUnixUs],
    rows_us: [...heatmap.rowsUs],
    counts: heatmap.counts.map((column) => [...column]),
  };
}

export function edgesToJson(edges: readonly ServiceEdge[]): EdgesJson {
  return {
    edges: edges.map((edge) => ({
      parent_service: edge.parent,
      child_service: edge.child,
      requests: edge.requests,
      errors: edge.errors,
      sum_us: edge.sumUs,
      max_us: edge.maxUs,
    })),
  };
}
