import { useSignal } from '@preact/signals';
import { useEffect, useMemo } from 'preact/hooks';
import type { JSX } from 'preact';
import type { HeatmapJson, RateSeriesJson, RatesJson } from '@forge/query';
import { durationText, percentText } from '../../model/duration-text.ts';
import { ApiError, apiUrl, getJson } from '../app/api.ts';
import { go, hrefOf, place, setParams } from '../app/location.ts';
import { Button } from '../ui/button.tsx';
import { Select } from '../ui/field.tsx';
import { Empty, Failure, Loading } from '../ui/states.tsx';
import { RANGES } from '../search/filters.ts';
import { useNames } from '../search/names.ts';
import { t } from '../texts.ts';
import { Chart } from './chart.tsx';
import { HeatmapChart, type HeatmapBox } from './heatmap.tsx';
import { OperationTable } from './operation-table.tsx';
import { lineColor, linesOf, perSecondText, withoutPartial } from './rates.ts';
import css from './page.module.css';

type State = { readonly rates: RatesJson; readonly heatmap: HeatmapJson } | { readonly error: unknown } | undefined;

const HOME_RANGES = RANGES.filter((range) => range !== 'all');
const REFRESH_MS = 30_000;
/** What comes in: requests and jobs, not what they call. */
const KINDS = 'server,consumer';

/** Requests, errors and latency of all traffic by operation. */
export function HomePage(): JSX.Element {
  const { params } = place.value;
  const range = params.get('range') ?? '1h';
  const service = params.get('service') ?? '';
  const attempt = useSignal(0);
  const state = useRates(range, service, attempt.value);
  const services = useNames<{ services: string[] }>('/services', {}, (answer) => answer.services);
  useEffect(() => {
    const timer = setInterval(() => document.visibilityState === 'visible' && attempt.value++, REFRESH_MS);
    return () => clearInterval(timer);
  }, []);
  return (
    <div class={css.page}>
      <div class={css.bar}>
        <h1 class={css.title}>{t.homePage.title}</h1>
        <span class={css.note}>{t.homePage.exact}</span>
        <Select
          name="service"
          label={t.searchPage.service}
          value={service}
          options={[
            ['', t.homePage.allServices],
            ...services.value.filter((name) => name !== '').map((name): [string, string] => [name, name]),
            ...(service !== '' && !services.value.includes(service) ? [[service, service] as [string, string]] : []),
          ]}
          onChange={(value) => setParams({ service: value, operation: undefined }, true)}
        />
        <Select
          name="range"
          label={t.homePage.range}
          value={range}
          options={HOME_RANGES.map((name) => [name, t.searchPage.ranges[name]])}
          onChange={(value) => setParams({ range: value === '1h' ? undefined : value }, true)}
        />
        <Button icon="refresh" label={t.state.retry} onClick={() => attempt.value++} />
      </div>
      <div class={css.body}>
        {state === undefined ? (
          <Loading />
        ) : 'error' in state ? (
          state.error instanceof ApiError && state.error.status === 501 ? (
            <Empty title={t.homePage.unavailable} />
          ) : (
            <Failure error={state.error} onRetry={() => attempt.value++} />
          )
        ) : state.rates.series.length === 0 ? (
          <Empty icon="clock" title={t.homePage.none} tries={[t.homePage.noneTry]}>
            <a href={hrefOf('search', { range: 'all' })}>{t.search}</a>
          </Empty>
        ) : (
          <Charts rates={state.rates} heatmap={state.heatmap} service={service} />
        )}
      </div>
    </div>
  );
}

/** Keeps what it has while the next answer is on its way. */
function useRates(range: string, service: string, attempt: number): State {
  const state = useSignal<State>(undefined);
  useEffect(() => {
    const abort = new AbortController();
    const query = { kind: KINDS, start: `-${range}`, ...(service === '' ? {} : { service }) };
    Promise.all([
      getJson<RatesJson>(apiUrl('/rates', { ...query, by: 'service,resource', limit: '50' }), abort.signal),
      getJson<HeatmapJson>(apiUrl('/heatmap', query), abort.signal),
    ]).then(
      ([rates, heatmap]) =>
        void (abort.signal.aborted || (state.value = { rates: withoutPartial(rates, Date.now() * 1000), heatmap })),
      (error: unknown) => void (abort.signal.aborted || (state.value = { error })),
    );
    return () => abort.abort();
  }, [range, service, attempt]);
  return state.value;
}

function Charts({ rates, heatmap, service }: { rates: RatesJson; heatmap: HeatmapJson; service: string }): JSX.Element {
  const operation = place.value.params.get('operation');
  const selected = rates.series.find((series) => keyOf(series) === operation);
  const lines = useMemo(() => linesOf(rates, selected), [rates, selected]);
  const names = selected === undefined ? { service } : { service: selected.service_name, operation: selected.resource };
  const search = (fromUs: number, toUs: number): void =>
    go(hrefOf('search', { ...names, start: String(fromUs), end: String(toUs) }));
  const searchBox = ({ fromUs, toUs, minUs, maxUs }: HeatmapBox): void =>
    go(
      hrefOf('search', {
        ...names,
        start: String(fromUs),
        end: String(toUs),
        min_duration: minUs > 0 ? `${minUs}us` : undefined,
        max_duration: `${Math.ceil(maxUs)}us`,
        sort: 'longest_span',
      }),
    );
  const seconds = (rates.starts_us.length * rates.step_us) / 1e6;
  const common = { times: rates.starts_us, onSelect: search };
  return (
    <>
      <div class={css.charts}>
        <Chart
          {...common}
          title={t.homePage.requests}
          label={`${t.homePage.requests}. ${t.homePage.chartHint}`}
          series={lines.requests}
          isStacked={selected === undefined}
          format={perSecondText}
        />
        <Chart
          {...common}
          title={t.homePage.errorRate}
          label={`${t.homePage.errorRate}. ${t.homePage.chartHint}`}
          series={lines.errors}
          format={percentText}
        />
        <Chart
          {...common}
          title={selected === undefined ? `${t.homePage.latency}, ${t.homePage.p95}` : t.homePage.latency}
          label={`${t.homePage.latency}. ${t.homePage.chartHint}`}
          series={lines.latency}
          format={durationText}
        />
      </div>
      <HeatmapChart heatmap={heatmap} onSelect={searchBox} />
      <section class={css.operations}>
        <OperationTable
          series={rates.series}
          seconds={seconds}
          selected={selected}
          colorOf={(series) => lineColor(rates, series)}
          searchParams={{ range: place.value.params.get('range') ?? undefined }}
          onSelect={(series) => setParams({ operation: series === undefined ? undefined : keyOf(series) }, true)}
        />
        {rates.omitted > 0 && <p class={css.omitted}>{t.homePage.omitted(rates.omitted)}</p>}
      </section>
    </>
  );
}

function keyOf({ service_name: service = '', resource = '' }: RateSeriesJson): string {
  return `${service} ${resource}`;
}
