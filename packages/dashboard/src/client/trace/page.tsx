import { effect, useSignal, type Signal } from '@preact/signals';
import { lazy } from '../ui/lazy.tsx';
import { useEffect, useMemo } from 'preact/hooks';
import type { JSX } from 'preact';
import { parseSearch } from '../../model/search.ts';
import { Flag } from '../../model/span-table.ts';
import { announce } from '../app/announce.ts';
import { ApiError } from '../app/api.ts';
import { addKeys } from '../app/keys.ts';
import { hrefOf, place } from '../app/location.ts';
import { callTraceWorker } from '../app/trace-worker.ts';
import { Empty, Failure, Loading } from '../ui/states.tsx';
import { t } from '../texts.ts';
import { applyParams, syncAddress, wantsSkew } from './address.ts';
import { describe, traceCommands, type PageActions } from './commands.ts';
import { TraceHeader } from './header.tsx';
import { Minimap } from './minimap.tsx';
import { SidePanel } from './side-panel.tsx';
import type { TraceSource } from './source.ts';
import { Toolbar } from './toolbar.tsx';
import { TraceView } from './view.ts';
import { Waterfall } from './waterfall.tsx';
import css from './page.module.css';

const Flame = lazy(() => import('./flame.tsx').then((module) => module.Flame));
const SpanList = lazy(() => import('./span-list.tsx').then((module) => module.SpanList));
const TraceMap = lazy(() => import('./trace-map.tsx').then((module) => module.TraceMap));
const LogList = lazy(() => import('./log-list.tsx').then((module) => module.LogList));

type State = { readonly view: TraceView } | { readonly error: unknown } | undefined;

/** One trace, from the API or a file. */
export function TracePage({ source }: { source: TraceSource }): JSX.Element {
  const state = useSignal<State>(undefined);
  const attempt = useSignal(0);
  useEffect(() => {
    let isCurrent = true;
    state.value = undefined;
    openView(source).then(
      (view) => {
        if (isCurrent) state.value = { view };
      },
      (error: unknown) => {
        if (isCurrent) state.value = { error };
      },
    );
    return () => (isCurrent = false);
  }, [source.key, attempt.value]);
  const current = state.value;
  if (current === undefined) return <Loading label={t.trace.loading} />;
  if ('view' in current) return <Loaded key={source.key} view={current.view} />;
  return <NotOpened source={source} error={current.error} onRetry={() => attempt.value++} />;
}

async function openView(source: TraceSource): Promise<TraceView> {
  let opened = await source.open();
  const { params } = place.peek();
  if (wantsSkew(params) && opened.trace.skew.processes.length > 0)
    opened = await callTraceWorker('arrange', { key: source.key, correctSkew: true });
  const view = new TraceView(source, opened);
  applyParams(view, params);
  return view;
}

function NotOpened({
  source,
  error,
  onRetry,
}: {
  source: TraceSource;
  error: unknown;
  onRetry: () => void;
}): JSX.Element {
  if (error instanceof ApiError && error.status === 404)
    return (
      <Empty title={t.trace.notFound} tries={[error.message, ...t.trace.notFoundTry]}>
        <a href={hrefOf('search')}>{t.trace.back}</a>
      </Empty>
    );
  if (error instanceof ApiError && error.status === 410 && !source.isStored)
    return (
      <Empty icon="upload" title={t.filePage.gone} tries={[t.filePage.goneTry]}>
        <a href={hrefOf('open')}>{t.open}</a>
      </Empty>
    );
  return <Failure error={error} onRetry={onRetry} />;
}

function Loaded({ view }: { view: TraceView }): JSX.Element {
  const isGrowing = useSignal(isYoung(view));
  const actions = useMemo(() => actionsOf(view), [view]);
  useEffect(() => addKeys(traceCommands(view, actions)), [view]);
  useEffect(() => syncAddress(view), [view]);
  useEffect(() => effect(() => loadGrouping(view)), [view]);
  useEffect(() => searchTags(view), [view]);
  useGrowing(view, isGrowing);
  useEffect(() => {
    const root = view.trace.value;
    document.title = `${view.text(root.resource[0])} · ${t.product}`;
  }, [view]);
  useEffect(
    () =>
      effect(() => {
        const node = view.selected.value;
        if (node >= 0) announce(describe(view, node));
      }),
    [view],
  );
  const trace = view.trace.value;
  const tab = view.tab.value;
  return (
    <div class={css.page}>
      <TraceHeader view={view} isGrowing={isGrowing.value} onRefresh={() => (isGrowing.value = !isGrowing.value)} />
      {trace.count === 0 ? (
        <Empty title={t.trace.empty} />
      ) : (
        <>
          <div class={css.minimap}>
            <Minimap view={view} />
          </div>
          <Toolbar view={view} actions={actions} />
          <div class={css.body}>
            <div class={css.view} role="tabpanel" id="trace-view" aria-labelledby={`tab-${tab}`}>
              {tab === 'waterfall' && <Waterfall view={view} />}
              {tab === 'flame' && <Flame view={view} />}
              {tab === 'spans' && <SpanList view={view} />}
              {tab === 'map' && <TraceMap view={view} />}
              {tab === 'logs' && <LogList view={view} />}
            </div>
            {view.panelOpen.value && view.selected.value >= 0 && <SidePanel view={view} />}
          </div>
        </>
      )}
    </div>
  );
}

function actionsOf(view: TraceView): PageActions {
  return {
    step(what, by) {
      const nodes = what === 'error' ? view.errorNodes.value : view.foundNodes.value;
      const node = view.step(nodes, by);
      if (node < 0) announce(what === 'error' ? t.errors(0) : t.tools.found(0));
      else view.select(node);
    },
    toggleSkew() {
      const { skew } = view.trace.value;
      if (skew.processes.length === 0) return announce(t.tools.skewNone);
      const call = callTraceWorker('arrange', { key: view.source.key, correctSkew: !skew.applied });
      void call.then((opened) => view.replace(opened));
    },
  };
}

function loadGrouping(view: TraceView): void {
  const trace = view.trace.value;
  if (!view.groupRepeats.value) {
    view.grouping.value = undefined;
    return;
  }
  void callTraceWorker('repeats', { key: view.source.key }).then((grouping) => {
    if (!view.groupRepeats.peek() || view.trace.peek() !== trace) return;
    view.openGroups.value = new Uint8Array(grouping.count);
    view.grouping.value = grouping;
  });
}

/** Asks for the rows that hold the `tag:` words, once typing rests. */
function searchTags(view: TraceView): () => void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  let abort = new AbortController();
  let asked = '';
  const stop = effect(() => {
    const words = parseSearch(view.query.value).flatMap((term) => (term.kind === 'tag' ? [term.text] : []));
    const key = words.join('\0');
    if (key === asked) return;
    asked = key;
    clearTimeout(timer);
    abort.abort();
    abort = new AbortController();
    view.tagRows.value = undefined;
    if (words.length === 0) return;
    const { signal } = abort;
    timer = setTimeout(() => {
      Promise.all(words.map((word) => view.source.find(word, signal))).then(
        ([first, ...others]) => {
          if (signal.aborted) return;
          const sets = others.map((rows) => new Set(rows));
          view.tagRows.value = new Set(first.filter((row) => sets.every((set) => set.has(row))));
        },
        (error: unknown) => {
          if (!signal.aborted) announce(error instanceof Error ? error.message : String(error));
        },
      );
    }, 200);
  });
  return () => {
    stop();
    clearTimeout(timer);
    abort.abort();
  };
}

const YOUNG_MS = 30_000;
const GROW_MS = 2000;

/** Whether spans are likely to be still on their way. */
function isYoung(view: TraceView): boolean {
  const trace = view.trace.value;
  const ageMs = Date.now() - (trace.startUnixUs + trace.endUs) / 1000;
  const isOpen = trace.missingParents > 0 || trace.flags.some((flags) => (flags & Flag.open) !== 0);
  return view.source.isStored && isOpen && ageMs < YOUNG_MS;
}

/** Loads the trace again while it grows: spans in flight turn up by themselves. */
function useGrowing(view: TraceView, isGrowing: Signal<boolean>): void {
  const on = isGrowing.value;
  useEffect(() => {
    if (!on) return undefined;
    let timer: ReturnType<typeof setTimeout>;
    let isStopped = false;
    let quiet = 0;
    const again = async (): Promise<void> => {
      const opened = await view.source.open().catch(() => undefined);
      if (isStopped) return;
      if (opened !== undefined && opened.trace.spans !== view.trace.value.spans) {
        quiet = 0;
        view.replace(opened);
        announce(t.spans(opened.trace.spans));
      } else quiet++;
      if (quiet * GROW_MS >= YOUNG_MS) isGrowing.value = false;
      else timer = setTimeout(() => void again(), GROW_MS);
    };
    void again();
    return () => {
      isStopped = true;
      clearTimeout(timer);
    };
  }, [view, on]);
}
