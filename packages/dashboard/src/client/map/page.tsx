import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import type { JSX } from 'preact';
import type { EdgesJson } from '@forge/query';
import type { ServiceGraph } from '../../model/service-graph.ts';
import { apiUrl, getJson } from '../app/api.ts';
import { go, hrefOf, place, setParams } from '../app/location.ts';
import { RANGES } from '../search/filters.ts';
import { Select } from '../ui/field.tsx';
import { Empty, Failure, Loading } from '../ui/states.tsx';
import { t } from '../texts.ts';
import { ServiceMap } from './service-map.tsx';
import css from './page.module.css';

type State = { readonly graph: ServiceGraph } | { readonly error: unknown } | undefined;

const MAP_RANGES = RANGES.filter((range) => range !== 'all');

/** Who called whom in a stretch of time. */
export function MapPage(): JSX.Element {
  const range = place.value.params.get('range') ?? '1h';
  const state = useSignal<State>(undefined);
  const attempt = useSignal(0);
  useEffect(() => {
    const abort = new AbortController();
    getJson<EdgesJson>(apiUrl('/edges', { start: `-${range}` }), abort.signal).then(
      (edges) => void (abort.signal.aborted || (state.value = { graph: graphOf(edges) })),
      (error: unknown) => void (abort.signal.aborted || (state.value = { error })),
    );
    return () => abort.abort();
  }, [range, attempt.value]);
  const current = state.value;
  return (
    <div class={css.page}>
      <div class={css.bar}>
        <h1 class={css.title}>{t.mapPage.title}</h1>
        <Select
          name="range"
          label={t.homePage.range}
          value={range}
          options={MAP_RANGES.map((name) => [name, t.searchPage.ranges[name]])}
          onChange={(value) => setParams({ range: value === '1h' ? undefined : value }, true)}
        />
      </div>
      <div class={css.body}>
        {current === undefined ? (
          <Loading />
        ) : 'error' in current ? (
          <Failure error={current.error} onRetry={() => attempt.value++} />
        ) : current.graph.edges.length === 0 ? (
          <Empty icon="map" title={t.mapPage.none} tries={[t.mapPage.noneTry]} />
        ) : (
          <ServiceMap graph={current.graph} onService={(service) => go(hrefOf('search', { service, range }))} />
        )}
      </div>
    </div>
  );
}

/** Services by the calls that reach them; those that nobody calls are there for what they call. */
function graphOf({ edges }: EdgesJson): ServiceGraph {
  const services = new Map<string, { name: string; spans: number; errors: number }>();
  const get = (name: string): { name: string; spans: number; errors: number } => {
    let service = services.get(name);
    if (service === undefined) services.set(name, (service = { name, spans: 0, errors: 0 }));
    return service;
  };
  for (const edge of edges) {
    get(edge.parent_service);
    const child = get(edge.child_service);
    child.spans += edge.requests;
    child.errors += edge.errors;
  }
  return {
    unit: 'call',
    services: [...services.values()],
    edges: edges.map((edge) => ({
      from: edge.parent_service,
      to: edge.child_service,
      calls: edge.requests,
      errors: edge.errors,
      meanUs: edge.requests === 0 ? 0 : edge.sum_us / edge.requests,
    })),
  };
}
