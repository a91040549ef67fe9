import type { RateSeriesJson, RatesJson } from '@forge/query';
import type { ChartSeries } from './chart.tsx';

/** So many operations are drawn apart; the others are one line. */
export const DRAWN = 6;

/** The three charts' lines: of the busiest operations, or of the one that is chosen. */
export interface ChartLines {
  readonly requests: readonly ChartSeries[];
  readonly errors: readonly ChartSeries[];
  readonly latency: readonly ChartSeries[];
}

const OTHER = 'other';

export function linesOf(rates: RatesJson, selected: RateSeriesJson | undefined): ChartLines {
  const seconds = rates.step_us / 1e6;
  const rate = (series: RateSeriesJson): number[] => series.points.requests.map((count) => count / seconds);
  const share = ({ points }: RateSeriesJson): (number | null)[] =>
    points.requests.map((count, at) => (count === 0 ? null : points.errors[at] / count));
  const quantile = ({ points }: RateSeriesJson, at: number): (number | null)[] =>
    points.quantiles_us[at].map((us, time) => (points.requests[time] === 0 ? null : us));
  if (selected !== undefined) {
    const label = labelOf(selected);
    return {
      requests: [{ label, color: '--accent', values: rate(selected) }],
      errors: [{ label, color: '--error-fill', values: share(selected) }],
      latency: [
        { label: 'p50', color: '--s1', values: quantile(selected, 0) },
        { label: 'p95', color: '--s0', values: quantile(selected, 1) },
        { label: 'p99', color: '--s5', values: quantile(selected, 2) },
      ],
    };
  }
  const drawn = rates.series.slice(0, DRAWN);
  const others = rates.series.slice(DRAWN);
  const lines = (values: (series: RateSeriesJson) => (number | null)[]): ChartSeries[] =>
    drawn.map((series, at) => ({ label: labelOf(series), color: `--s${at}`, values: values(series) }));
  const requests = lines(rate);
  if (others.length > 0)
    requests.push({
      label: OTHER,
      color: '--s-none',
      values: rates.starts_us.map(
        (_, at) => others.reduce((sum, { points }) => sum + points.requests[at], 0) / seconds,
      ),
    });
  return { requests, errors: lines(share), latency: lines((series) => quantile(series, 1)) };
}

/**
 * Without the point that still counts: half a minute of requests would look like a fall. The totals keep it.
 */
export function withoutPartial(rates: RatesJson, nowUnixUs: number): RatesJson {
  const last = rates.starts_us.at(-1);
  if (last === undefined || last + rates.step_us <= nowUnixUs || rates.starts_us.length < 3) return rates;
  const cut = (column: number[]): number[] => column.slice(0, -1);
  return {
    ...rates,
    starts_us: cut(rates.starts_us),
    series: rates.series.map((series) => ({
      ...series,
      points: {
        requests: cut(series.points.requests),
        errors: cut(series.points.errors),
        sum_us: cut(series.points.sum_us),
        max_us: cut(series.points.max_us),
        quantiles_us: series.points.quantiles_us.map(cut),
      },
    })),
  };
}

/** The colour of an operation in the charts; undefined for those that are drawn together. */
export function lineColor(rates: RatesJson, series: RateSeriesJson): string | undefined {
  const at = rates.series.indexOf(series);
  return at >= 0 && at < DRAWN ? `--s${at}` : undefined;
}

function labelOf({ service_name: service = '', resource = '' }: RateSeriesJson): string {
  return resource === '' ? service : resource;
}

/** `12.3/s`, `4.2/min` for what is rare. */
export function perSecondText(perSecond: number): string {
  if (perSecond === 0) return '0/s';
  if (perSecond < 0.1) return `${trimmed(perSecond * 60)}/min`;
  if (perSecond >= 10_000) return `${trimmed(perSecond / 1000)}k/s`;
  return `${trimmed(perSecond)}/s`;
}

function trimmed(value: number): string {
  return value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(2);
}
