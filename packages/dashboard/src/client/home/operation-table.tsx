import { useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import type { RateSeriesJson } from '@forge/query';
import { countText, durationText, percentText } from '../../model/duration-text.ts';
import { hrefOf } from '../app/location.ts';
import { Icon } from '../ui/icons.tsx';
import { t } from '../texts.ts';
import { perSecondText } from './rates.ts';
import css from './operation-table.module.css';

type Key = 'resource' | 'requests' | 'errors' | 'p50' | 'p95' | 'p99';

interface OperationTableProps {
  readonly series: readonly RateSeriesJson[];
  readonly seconds: number;
  readonly selected: RateSeriesJson | undefined;
  /** Colour token of a series that the charts draw. */
  readonly colorOf: (series: RateSeriesJson) => string | undefined;
  readonly searchParams: Readonly<Record<string, string | undefined>>;
  readonly onSelect: (series: RateSeriesJson | undefined) => void;
}

/** Operations by requests; choosing one shows it alone in the charts. */
export function OperationTable(props: OperationTableProps): JSX.Element {
  const sort = useSignal<{ key: Key; descending: boolean }>({ key: 'requests', descending: true });
  const { key, descending } = sort.value;
  const valueOf = ({ resource = '', total }: RateSeriesJson): number | string => {
    if (key === 'resource') return resource.toLowerCase();
    if (key === 'requests') return total.requests;
    if (key === 'errors') return total.requests === 0 ? 0 : total.errors / total.requests;
    return total.quantiles_us[{ p50: 0, p95: 1, p99: 2 }[key]];
  };
  const sorted = props.series.toSorted((a, b) => {
    const [x, y] = [valueOf(a), valueOf(b)];
    return (x < y ? -1 : x > y ? 1 : 0) * (descending ? -1 : 1);
  });
  const head = (name: Key, label: string, isNumber = true): JSX.Element => (
    <th
      class={isNumber ? css.number : undefined}
      aria-sort={key === name ? (descending ? 'descending' : 'ascending') : 'none'}
    >
      <button
        type="button"
        class={css.sort}
        onClick={() => (sort.value = { key: name, descending: key === name ? !descending : isNumber })}
      >
        {label}
        {key === name && <Icon name={descending ? 'arrowDown' : 'arrowUp'} size={11} />}
      </button>
    </th>
  );
  return (
    <table class={css.table} aria-label={t.homePage.table}>
      <thead>
        <tr>
          {head('resource', t.homePage.operation, false)}
          {head('requests', t.homePage.rate)}
          {head('errors', t.homePage.errors)}
          {head('p50', t.homePage.p50)}
          {head('p95', t.homePage.p95)}
          {head('p99', t.homePage.p99)}
          <th class={css.trendHead}>{t.homePage.trend}</th>
          <th>
            <span class="visually-hidden">{t.search}</span>
          </th>
        </tr>
      </thead>
      <tbody>
        {sorted.map((series) => {
          const { resource = '', service_name: service = '', total, points } = series;
          const isSelected = props.selected?.resource === resource && props.selected.service_name === service;
          const color = props.colorOf(series);
          return (
            <tr key={`${service}\0${resource}`} class={css.row} data-selected={isSelected ? '' : undefined}>
              <td class={css.operation}>
                <button
                  type="button"
                  class={css.name}
                  aria-pressed={isSelected}
                  onClick={() => props.onSelect(isSelected ? undefined : series)}
                >
                  <i class={css.swatch} style={{ background: color === undefined ? 'transparent' : `var(${color})` }} />
                  <span class={css.service}>{service}</span>
                  <bdi class={css.resource}>{resource}</bdi>
                </button>
              </td>
              <td class={css.number} title={t.requests(total.requests)}>
                {perSecondText(total.requests / props.seconds)}
              </td>
              <td class={css.number} data-error={total.errors > 0 ? '' : undefined} title={countText(total.errors)}>
                {percentText(total.requests === 0 ? 0 : total.errors / total.requests)}
              </td>
              <td class={css.number}>{durationText(total.quantiles_us[0])}</td>
              <td class={css.number}>{durationText(total.quantiles_us[1])}</td>
              <td class={css.number}>{durationText(total.quantiles_us[2])}</td>
              <td class={css.trend}>
                <Sparkline values={points.requests} errors={points.errors} />
              </td>
              <td class={css.actions}>
                <a
                  class={css.action}
                  href={hrefOf('search', { ...props.searchParams, service, operation: resource })}
                  title={`${t.search}: ${resource}`}
                >
                  <Icon name="search" size={13} />
                  <span class="visually-hidden">{`${t.search}: ${resource}`}</span>
                </a>
              </td>
            </tr>
          );
        })}
      </tbody>
    </table>
  );
}

const SPARK = { width: 128, height: 20 };

function Sparkline({ values, errors }: { values: readonly number[]; errors: readonly number[] }): JSX.Element {
  const most = Math.max(1, ...values);
  const step = SPARK.width / Math.max(1, values.length);
  const y = (value: number): string => (SPARK.height - 1 - (value / most) * (SPARK.height - 3)).toFixed(1);
  const line = values
    .map((value, at) => `${at === 0 ? 'M' : 'L'}${((at + 0.5) * step).toFixed(1)} ${y(value)}`)
    .join('');
  return (
    <svg width={SPARK.width} height={SPARK.height} aria-hidden="true">
      <path d={line} fill="none" class={css.spark} />
      {errors.map(
        (count, at) =>
          count > 0 && (
            <rect key={at} class={css.sparkError} x={(at + 0.5) * step - 1} y={SPARK.height - 4} width={2} height={4} />
          ),
      )}
    </svg>
  );
}
