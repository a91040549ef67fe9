import { computed, useComputed, useSignal, type ReadonlySignal } from '@preact/signals';
import { useEffect, useLayoutEffect, useMemo, useRef } from 'preact/hooks';
import type { JSX } from 'preact';
import { indexPath, type PathIndex, type Viewport } from '../../model/bar.ts';
import { assignColors, colorOfService } from '../../model/service-colors.ts';
import { useSize } from '../ui/use-size.ts';
import { t } from '../texts.ts';
import { Axis, Crosshair, Gridlines } from './axis.tsx';
import { Row, ROW_PX } from './row.tsx';
import { Resizer } from '../ui/resizer.tsx';
import type { TraceView } from './view.ts';
import css from './waterfall.module.css';

/** How the rows look, beyond what they show. */
export interface WaterfallLook {
  readonly view: TraceView;
  readonly viewport: ReadonlySignal<Viewport>;
  readonly pathIndex: ReadonlySignal<PathIndex>;
  /** The level that stands at the left, and pixels a level. */
  readonly indent: ReadonlySignal<{ readonly base: number; readonly stepPx: number }>;
  /** CSS colour of a service by its position in `strings`. */
  readonly colorOf: (service: number) => string;
}

/** Rows rendered beyond what is in sight, each way. */
const OVERSCAN = 8;
/** Rows come and go by so many at once: fewer renders while scrolling. */
const CHUNK = 4;
const TREE_WIDTH_KEY = 'forge-tree-width';
const DEEP = 18;
/** Kept free at the right, so that the bars that end last have their durations beside them. */
const LABEL_ROOM_PX = 64;

/** The tree of spans with their times: its own windowing, so that 100,000 rows cost what fits on the screen. */
export function Waterfall({ view }: { view: TraceView }): JSX.Element {
  const scroller = useRef<HTMLDivElement>(null);
  const timeHead = useRef<HTMLDivElement>(null);
  const { height } = useSize(scroller);
  const timeSize = useSize(timeHead);
  const timeWidth = useSignal(0);
  timeWidth.value = Math.max(0, timeSize.width - LABEL_ROOM_PX);
  const scrollTop = useSignal(0);
  const treeWidth = useSignal(storedTreeWidth());
  const heightSignal = useSignal(0);
  heightSignal.value = height;

  const range = useComputed(() => {
    const { count } = view.rows.value;
    const first = Math.floor(scrollTop.value / ROW_PX / CHUNK) * CHUNK;
    const inSight = Math.ceil(Math.max(heightSignal.value, 200) / ROW_PX);
    return {
      first: Math.max(0, Math.min(first, count) - OVERSCAN),
      last: Math.min(count, first + inSight + OVERSCAN + CHUNK),
    };
  });
  const look = useMemo<WaterfallLook>(() => {
    const services = computed(() => assignColors(view.trace.value.services.map(({ name }) => name)));
    return {
      view,
      viewport: computed(() => {
        const { from, to } = view.zoom.value;
        return { scale: view.scale.value, from, to, widthPx: timeWidth.value, roomPx: LABEL_ROOM_PX };
      }),
      pathIndex: computed(() => indexPath(view.path.value)),
      indent: computed(() => indentOf(view, range.value, treeWidth.value)),
      colorOf: (service) => (service < 0 ? 'var(--s-none)' : serviceColor(view.text(service), services.value)),
    };
  }, [view]);

  useRevealSelected(view, scroller, heightSignal.peek());
  useWheel(view, scroller, look);

  const { first, last } = range.value;
  const rows = view.rows.value;
  const selected = view.selected.value;
  const selectedRow = selected < 0 ? -1 : view.rowOfNode.value[selected];
  const tabStop = selectedRow >= 0 ? selectedRow : 0;
  const visible: JSX.Element[] = [];
  const add = (row: number): void => {
    const what = rows.node[row];
    visible.push(
      <Row
        key={row === tabStop ? -1 : row % 64}
        look={look}
        row={row}
        what={what}
        depth={rows.depth[row]}
        isSelected={row === selectedRow}
        isTabStop={row === tabStop}
      />,
    );
  };
  // The row that holds the focus stays in the page wherever it is scrolled to.
  if (tabStop < first && tabStop < rows.count) add(tabStop);
  for (let row = first; row < last; row++) add(row);
  if (tabStop >= last && tabStop < rows.count) add(tabStop);

  return (
    <div
      class={css.waterfall}
      style={{ '--tree': `${treeWidth.value}px` }}
      role="treegrid"
      aria-label={t.waterfall.label}
      aria-rowcount={rows.count + 1}
      aria-colcount={2}
    >
      <div class={css.scroller} ref={scroller} onScroll={(event) => (scrollTop.value = event.currentTarget.scrollTop)}>
        <div class={css.head} role="row" aria-rowindex={1}>
          <div class={css.headName} role="columnheader">
            {t.waterfall.name}
            <LevelInfo look={look} />
          </div>
          <div class={css.headTime} role="columnheader" aria-label={t.waterfall.time} data-time="" ref={timeHead}>
            <Axis look={look} />
          </div>
        </div>
        <div
          class={css.rows}
          role="rowgroup"
          style={{ height: `${rows.count * ROW_PX}px` }}
          onClick={(event) => clickRow(view, event)}
          onDblClick={(event) => focusRow(view, event)}
          onFocusIn={(event) => selectFocused(view, event)}
        >
          <Gridlines look={look} />
          {visible}
          <Crosshair look={look} scroller={scroller} />
        </div>
        {rows.count === 0 && <p class={css.empty}>{t.waterfall.noMatch}</p>}
      </div>
      <Resizer
        label={t.waterfall.resize}
        value={treeWidth}
        min={160}
        max={900}
        side="left"
        onDone={(width) => localStorage.setItem(TREE_WIDTH_KEY, String(width))}
      />
    </div>
  );
}

function LevelInfo({ look }: { look: WaterfallLook }): JSX.Element | null {
  const { base } = look.indent.value;
  return base === 0 ? null : <span class={css.levelInfo}>{t.waterfall.level(base + 1)}</span>;
}

export function serviceColor(name: string, colors: ReadonlyMap<string, number>): string {
  return `var(--s${colors.get(name) ?? colorOfService(name)})`;
}

function storedTreeWidth(): number {
  const stored = Number(localStorage.getItem(TREE_WIDTH_KEY));
  return stored >= 160 && stored <= 900 ? stored : Math.round(Math.min(460, Math.max(260, innerWidth * 0.3)));
}

/**
 * Steps of indentation that fit: a deep tree is not pushed out of the column, its rows are drawn from the least level
 * in sight.
 */
function indentOf(
  view: TraceView,
  { first, last }: { first: number; last: number },
  treeWidth: number,
): { base: number; stepPx: number } {
  const { depth, maxDepth } = view.rows.value;
  if (maxDepth <= DEEP) return { base: 0, stepPx: Math.min(14, (treeWidth * 0.45) / Math.max(1, maxDepth)) };
  let least = Infinity;
  let most = 0;
  for (let row = first; row < last; row++) {
    if (depth[row] < least) least = depth[row];
    if (depth[row] > most) most = depth[row];
  }
  const base = Number.isFinite(least) ? Math.max(0, least - 1) : 0;
  return { base, stepPx: Math.max(1, Math.min(10, (treeWidth * 0.45) / Math.max(1, most - base))) };
}

function rowOf(event: Event): HTMLElement | null {
  return event.target instanceof Element ? event.target.closest<HTMLElement>('[data-row]') : null;
}

function whatOf(view: TraceView, element: HTMLElement): number {
  return view.rows.value.node[Number(element.dataset['row'])];
}

function clickRow(view: TraceView, event: MouseEvent): void {
  const element = rowOf(event);
  if (element === null) return;
  const what = whatOf(view, element);
  const onToggle = event.target instanceof Element && event.target.closest('[data-toggle]') !== null;
  if (what < 0) view.toggleGroup(-1 - what);
  else if (onToggle) view.toggle(what);
  else view.select(what, true);
}

function focusRow(view: TraceView, event: MouseEvent): void {
  const element = rowOf(event);
  const what = element === null ? -1 : whatOf(view, element);
  const onToggle = event.target instanceof Element && event.target.closest('[data-toggle]') !== null;
  if (what >= 0 && !onToggle) view.setFocus(view.focus.value === what ? undefined : what);
}

/** Tabbing into the tree selects the row that gets the focus. */
function selectFocused(view: TraceView, event: FocusEvent): void {
  const element = rowOf(event);
  if (element === null || view.selected.value >= 0) return;
  const what = whatOf(view, element);
  if (what >= 0) view.select(what);
}

/** Scrolls the selected row into sight, and gives it the focus where the tree has it. */
function useRevealSelected(view: TraceView, scroller: { current: HTMLDivElement | null }, height: number): void {
  const selected = view.selected.value;
  const row = selected < 0 ? -1 : view.rowOfNode.value[selected];
  useLayoutEffect(() => {
    const element = scroller.current;
    if (element === null || row < 0) return;
    const head = element.firstElementChild?.clientHeight ?? 0;
    const inSight = (height || element.clientHeight) - head;
    const top = row * ROW_PX;
    if (top < element.scrollTop + ROW_PX) element.scrollTop = Math.max(0, top - inSight / 3);
    else if (top + ROW_PX * 2 > element.scrollTop + inSight) element.scrollTop = top - (inSight * 2) / 3;
  }, [row]);
  useEffect(() => {
    const active = document.activeElement;
    const inTree = active === document.body || (active !== null && (scroller.current?.contains(active) ?? false));
    if (inTree && selected >= 0) document.getElementById(`row-${selected}`)?.focus({ preventScroll: true });
  }, [selected, row]);
}

/** Ctrl or meta + wheel zooms about the pointer, as maps do; a sideways wheel moves. Plain wheels scroll. */
function useWheel(view: TraceView, scroller: { current: HTMLDivElement | null }, look: WaterfallLook): void {
  useEffect(() => {
    const element = scroller.current;
    if (element === null) return undefined;
    const onWheel = (event: WheelEvent): void => {
      const { widthPx, from, to } = look.viewport.peek();
      if (widthPx === 0) return;
      if (event.ctrlKey || event.metaKey) {
        event.preventDefault();
        const x = event.clientX - (element.querySelector('[data-time]')?.getBoundingClientRect().left ?? 0);
        const share = Math.min(1, Math.max(0, x / widthPx));
        view.zoomBy(Math.exp(Math.min(0.5, Math.max(-0.5, event.deltaY * 0.004))), from + (to - from) * share);
      } else if (Math.abs(event.deltaX) > Math.abs(event.deltaY) || (event.shiftKey && event.deltaY !== 0)) {
        event.preventDefault();
        view.pan((event.deltaX === 0 ? event.deltaY : event.deltaX) / widthPx);
      }
    };
    element.addEventListener('wheel', onWheel, { passive: false });
    return () => element.removeEventListener('wheel', onWheel);
  }, [view]);
}
