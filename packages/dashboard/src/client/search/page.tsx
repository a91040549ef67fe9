import { useSignal } from '@preact/signals';
import { useEffect, useMemo, useRef } from 'preact/hooks';
import type { JSX } from 'preact';
import type { PageJson, SummaryJson } from '@forge/query';
import { announce } from '../app/announce.ts';
import { ApiError, apiUrl, getJson } from '../app/api.ts';
import { addKeys } from '../app/keys.ts';
import { go, hrefOf, hrefWith, place } from '../app/location.ts';
import { Button } from '../ui/button.tsx';
import { Select } from '../ui/field.tsx';
import { Icon } from '../ui/icons.tsx';
import { Empty, Failure, Loading } from '../ui/states.tsx';
import { t } from '../texts.ts';
import { FilterForm } from './filter-form.tsx';
import { filtersOf, isFiltered, searchOf, SORTS } from './filters.ts';
import { MAX_LIVE, useLiveTail, type LiveTail } from './live-tail.ts';
import { ResultList, toggled } from './result-list.tsx';
import { Scatter } from './scatter.tsx';
import css from './page.module.css';

type Result = { readonly page: PageJson; readonly atUnixUs: number } | { readonly error: unknown } | undefined;

/** Search over all stored traces, page by page, or the traces as they arrive. */
export function SearchPage(): JSX.Element {
  const { params } = place.value;
  const isLive = params.get('live') === '1';
  const result = useSearch(params, isLive);
  const tail = useLiveTail(isLive ? filtersOf(params).toString() : undefined);
  const chosen = useSignal<readonly string[]>([]);
  const cursor = useSignal(-1);
  const pages = usePages(params);
  const traces = isLive ? tail.traces.value : result !== undefined && 'page' in result ? result.page.traces : NO_TRACES;
  const next = !isLive && result !== undefined && 'page' in result ? result.page.next_cursor : null;
  const toNext = next === null ? undefined : withParams(params, { cursor: next });

  useEffect(() => void (cursor.value = -1), [params.toString()]);
  const keys = useRef<KeyContext>(undefined!);
  keys.current = { traces, cursor, chosen, params, toNext, pages, isLive };
  useEffect(() => addKeys(searchKeys(() => keys.current)), []);

  const error = isLive ? tail.error.value : result !== undefined && 'error' in result ? result.error : undefined;
  const wrong = wrongParameters(error);
  return (
    <div class={css.page}>
      <aside class={css.side}>
        <h1 class={css.title}>{t.searchPage.title}</h1>
        <FilterForm params={params} wrong={wrong} />
      </aside>
      <section class={css.main} aria-label={t.searchPage.results}>
        <div class={css.bar}>
          <LiveSwitch params={params} isLive={isLive} tail={tail} />
          {!isLive && (
            <label class={css.sort}>
              <span>{t.searchPage.sort}</span>
              <Select
                name="sort"
                value={params.get('sort') ?? 'newest'}
                options={SORTS.map((sort) => [sort, t.searchPage.sorts[sort]])}
                onChange={(sort) =>
                  go(withParams(params, { sort: sort === 'newest' ? undefined : sort, cursor: undefined }))
                }
              />
            </label>
          )}
          <CompareButton chosen={chosen.value} />
        </div>
        <div class={css.results}>
          {error !== undefined && wrong.size === 0 ? (
            <Failure error={error} onRetry={() => go(hrefWith('search', params))} />
          ) : traces.length > 0 ? (
            <>
              <Scatter traces={traces} params={params} />
              <ResultList
                traces={traces}
                chosen={chosen}
                cursor={cursor.value}
                nowUnixUs={!isLive && result !== undefined && 'page' in result ? result.atUnixUs : Date.now() * 1000}
                highlight={isLive ? tail.fresh.value : NO_IDS}
              />
            </>
          ) : isLive ? (
            <Empty icon="play" title={t.searchPage.liveWaiting} />
          ) : result === undefined ? (
            <Loading />
          ) : (
            <NoResults params={params} />
          )}
        </div>
        {!isLive && (toNext !== undefined || pages.number > 1) && (
          <nav class={css.pages} aria-label={t.searchPage.page(pages.number)}>
            <Button
              disabled={pages.previous === undefined}
              icon="chevronLeft"
              onClick={() => pages.previous !== undefined && go(pages.previous)}
            >
              {t.searchPage.previousPage}
            </Button>
            <span>{t.searchPage.page(pages.number)}</span>
            <Button disabled={toNext === undefined} onClick={() => toNext !== undefined && go(toNext)}>
              {t.searchPage.nextPage}
              <Icon name="chevronRight" size={14} />
            </Button>
          </nav>
        )}
        {isLive && tail.isCut.value && <p class={css.cut}>{t.searchPage.liveDropped(MAX_LIVE)}</p>}
      </section>
    </div>
  );
}

const NO_TRACES: readonly SummaryJson[] = [];
const NO_IDS: ReadonlySet<string> = new Set();

function withParams(params: URLSearchParams, changes: Readonly<Record<string, string | undefined>>): string {
  const next = new URLSearchParams(params);
  for (const [name, value] of Object.entries(changes)) {
    if (value === undefined) next.delete(name);
    else next.set(name, value);
  }
  return hrefWith('search', next);
}

/** The answer for this address. The one before stays until the next is there, so that pages do not flicker. */
function useSearch(params: URLSearchParams, isLive: boolean): Result {
  const result = useSignal<Result>(undefined);
  useEffect(() => {
    if (isLive) return undefined;
    const abort = new AbortController();
    getJson<PageJson>(apiUrl('/traces', searchOf(params)), abort.signal).then(
      (page) => {
        if (abort.signal.aborted) return;
        result.value = { page, atUnixUs: Date.now() * 1000 };
        announce(page.traces.length === 0 ? t.searchPage.none : t.traces(page.traces.length));
      },
      (error: unknown) => {
        if (!abort.signal.aborted) result.value = { error };
      },
    );
    return () => abort.abort();
    // The place, not its text: searching the same again asks again.
  }, [params, isLive]);
  return result.value;
}

interface Pages {
  readonly number: number;
  /** Address of the page before; undefined on the first. */
  readonly previous: string | undefined;
}

/** Cursors lead forward only: the way back is remembered, and begins anew where it is not known. */
function usePages(params: URLSearchParams): Pages {
  const trail = useMemo(() => ({ key: '', cursors: [''] }), []);
  const cursor = params.get('cursor') ?? '';
  const rest = new URLSearchParams(params);
  rest.delete('cursor');
  const key = rest.toString();
  if (trail.key !== key) {
    trail.key = key;
    trail.cursors = [''];
  }
  let at = trail.cursors.indexOf(cursor);
  if (at < 0) at = trail.cursors.push(cursor) - 1;
  const before = at === 0 ? undefined : trail.cursors[at - 1];
  return {
    number: at + 1,
    previous: before === undefined ? undefined : withParams(params, { cursor: before === '' ? undefined : before }),
  };
}

/** The API names the parameter that is wrong: it is said beside its field. */
function wrongParameters(error: unknown): ReadonlyMap<string, string> {
  if (!(error instanceof ApiError) || error.parameter === undefined || error.parameter === 'cursor') return new Map();
  return new Map([[error.parameter, error.message]]);
}

function LiveSwitch(props: { params: URLSearchParams; isLive: boolean; tail: LiveTail }): JSX.Element {
  const { params, isLive, tail } = props;
  const toggle = (): void =>
    go(withParams(params, { live: isLive ? undefined : '1', cursor: undefined, sort: undefined }));
  const state = tail.state.value;
  return (
    <>
      <Button icon="play" pressed={isLive} shortcut="L" title={t.searchPage.liveOn} onClick={toggle}>
        {t.searchPage.live}
      </Button>
      {isLive && (
        <>
          <Button
            kind="quiet"
            icon={tail.isPaused.value ? 'play' : 'pause'}
            pressed={tail.isPaused.value}
            onClick={() => (tail.isPaused.value = !tail.isPaused.value)}
          >
            {t.searchPage.livePause}
            {tail.waiting.value > 0 && <span class={css.waiting}>{tail.waiting.value}</span>}
          </Button>
          <span class={css.state} data-state={state} role="status">
            <i class={css.pulse} />
            {state === 'lost' ? t.searchPage.liveLost : state === 'open' ? t.searchPage.liveOn : t.state.loading}
          </span>
        </>
      )}
    </>
  );
}

function CompareButton({ chosen }: { chosen: readonly string[] }): JSX.Element {
  return (
    <span class={css.compare}>
      {chosen.length > 0 && (
        <Button
          icon="compare"
          kind={chosen.length === 2 ? 'primary' : 'plain'}
          disabled={chosen.length < 2}
          title={t.searchPage.selectTwo}
          onClick={() => go(hrefOf('compare', { a: chosen[0], b: chosen[1] }))}
        >
          {chosen.length === 2 ? t.searchPage.compareSelected : t.searchPage.selectTwo}
        </Button>
      )}
    </span>
  );
}

/** Nothing found: what to try depends on what was asked. */
function NoResults({ params }: { params: URLSearchParams }): JSX.Element {
  const tries = [
    ...(params.get('range') === 'all' ? [] : [t.searchPage.noneTry.range]),
    ...(params.has('min_duration') ? [t.searchPage.noneTry.duration] : []),
    ...(isFiltered(params) ? [t.searchPage.noneTry.filters] : [t.searchPage.noneTry.nothing]),
  ];
  return (
    <Empty title={t.searchPage.none} tries={tries}>
      {params.get('range') !== 'all' && (
        <a href={withParams(params, { range: 'all', start: undefined, end: undefined, cursor: undefined })}>
          {t.searchPage.ranges['all']}
        </a>
      )}
    </Empty>
  );
}

interface KeyContext {
  readonly traces: readonly SummaryJson[];
  readonly cursor: { value: number };
  readonly chosen: { value: readonly string[] };
  readonly params: URLSearchParams;
  readonly toNext: string | undefined;
  readonly pages: Pages;
  readonly isLive: boolean;
}

function searchKeys(context: () => KeyContext): Parameters<typeof addKeys>[0] {
  const { list } = t.keys.groups;
  const move = (by: number): void => {
    const { traces, cursor } = context();
    if (traces.length === 0) return;
    cursor.value = Math.min(traces.length - 1, Math.max(0, cursor.value + by));
    const { root, duration_us: durationUs } = traces[cursor.value];
    announce(`${root.resource}, ${root.service_name}, ${durationUs / 1000} ms`);
    requestAnimationFrame(() => document.querySelector('[data-cursor]')?.scrollIntoView({ block: 'nearest' }));
  };
  const current = (): string | undefined => context().traces[context().cursor.value]?.trace_id;
  return [
    { keys: ['j', 'ArrowDown'], label: t.keys.down, group: list, run: () => move(1) },
    { keys: ['k', 'ArrowUp'], label: t.keys.up, group: list, run: () => move(-1) },
    {
      keys: ['Enter', 'o'],
      label: t.keys.openSelected,
      group: list,
      run: (event) => {
        const id = current();
        const onLink = event.target instanceof HTMLElement && event.target.closest('a, button') !== null;
        if (onLink && event.key === 'Enter') event.target.click();
        else if (id !== undefined) go(hrefOf(`traces/${id}`));
      },
    },
    {
      keys: ['x'],
      label: t.keys.selectRow,
      group: list,
      run: () => {
        const id = current();
        const { chosen } = context();
        if (id !== undefined) chosen.value = toggled(chosen.value, id);
      },
    },
    {
      keys: [']'],
      label: t.keys.nextPage,
      group: list,
      run: () => context().toNext !== undefined && go(context().toNext!),
    },
    {
      keys: ['['],
      label: t.keys.previousPage,
      group: list,
      run: () => {
        const { previous } = context().pages;
        if (previous !== undefined) go(previous);
      },
    },
    {
      keys: ['/'],
      label: t.keys.searchField,
      group: list,
      run: () => document.getElementById('search-service')?.focus(),
    },
    {
      keys: ['L'],
      label: t.keys.live,
      group: list,
      run: () => {
        const { params, isLive } = context();
        go(withParams(params, { live: isLive ? undefined : '1', cursor: undefined, sort: undefined }));
      },
    },
  ];
}
