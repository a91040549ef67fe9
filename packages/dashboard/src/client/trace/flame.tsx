import { useSignal } from '@preact/signals';
import { useEffect, useMemo, useRef } from 'preact/hooks';
import type { JSX } from 'preact';
import { durationText, exactDurationText } from '../../model/duration-text.ts';
import type { Lanes } from '../../model/lanes.ts';
import { assignColors, colorOfService } from '../../model/service-colors.ts';
import { STATUS_ERROR } from '../../model/span-table.ts';
import { endOf } from '../../model/trace.ts';
import { addKeys } from '../app/keys.ts';
import { colorOf, isDark } from '../app/theme.ts';
import { callTraceWorker } from '../app/trace-worker.ts';
import { Loading } from '../ui/states.tsx';
import { useSize } from '../ui/use-size.ts';
import { t } from '../texts.ts';
import { axisMarks } from './axis.tsx';
import { describe } from './commands.ts';
import type { TraceView } from './view.ts';
import css from './flame.module.css';

const LANE_PX = 20;
const HEAD_PX = 26;
const MIN_TEXT_PX = 34;

/** Callers above what they call, on the axis of time: one canvas, drawing only what is in sight. */
export function Flame({ view }: { view: TraceView }): JSX.Element {
  const lanes = useSignal<Lanes | undefined>(undefined);
  const trace = view.trace.value;
  useEffect(() => {
    let isCurrent = true;
    void callTraceWorker('lanes', { key: view.source.key }).then((result) => {
      if (isCurrent) lanes.value = result;
    });
    return () => (isCurrent = false);
  }, [trace]);
  return lanes.value === undefined || lanes.value.lane.length !== trace.count ? (
    <Loading />
  ) : (
    <FlameCanvas view={view} lanes={lanes.value} />
  );
}

function FlameCanvas({ view, lanes }: { view: TraceView; lanes: Lanes }): JSX.Element {
  const box = useRef<HTMLDivElement>(null);
  const canvas = useRef<HTMLCanvasElement>(null);
  const tip = useRef<HTMLDivElement>(null);
  const { width, height } = useSize(box);
  const top = useSignal(0);
  const maxTop = Math.max(0, lanes.count * LANE_PX + 40 - (height - HEAD_PX));
  const painter = useMemo(() => new FlamePainter(view, lanes), [view, lanes, isDark.value]);
  const viewport = {
    scale: view.scale.value,
    from: view.zoom.value.from,
    to: view.zoom.value.to,
    widthPx: width,
    roomPx: 0,
  };
  const state = {
    viewport,
    height,
    top: Math.min(top.value, maxTop),
    selected: view.selected.value,
    lit: view.lit.value,
    onPath: view.showPath.value ? view.path.value.onPath : undefined,
  };

  useEffect(() => {
    const context = canvas.current?.getContext('2d', { alpha: false });
    if (context === null || context === undefined || width === 0) return undefined;
    const frame = requestAnimationFrame(() => painter.paint(context, state));
    return () => cancelAnimationFrame(frame);
  });
  const current = useRef(state);
  current.current = state;

  // The selected span comes into sight, in time and down the lanes.
  useEffect(() => {
    const node = view.selected.value;
    if (node < 0 || height === 0) return;
    const y = lanes.lane[node] * LANE_PX;
    if (y < top.value) top.value = Math.max(0, y - LANE_PX);
    else if (y + LANE_PX * 2 > top.value + height - HEAD_PX)
      top.value = Math.min(maxTop, y + LANE_PX * 3 - (height - HEAD_PX));
  }, [view.selected.value, height]);
  useEffect(() => addKeys(flameKeys(view)), [view]);

  useEffect(() => {
    const element = box.current;
    if (element === null) return undefined;
    const onWheel = (event: WheelEvent): void => {
      event.preventDefault();
      const { viewport } = current.current;
      if (event.ctrlKey || event.metaKey) {
        const share = (event.clientX - element.getBoundingClientRect().left) / viewport.widthPx;
        const about = viewport.from + (viewport.to - viewport.from) * share;
        view.zoomBy(Math.exp(Math.min(0.5, Math.max(-0.5, event.deltaY * 0.004))), about);
      } else if (Math.abs(event.deltaX) > Math.abs(event.deltaY) || event.shiftKey) {
        view.pan((event.deltaX || event.deltaY) / viewport.widthPx);
      } else top.value = Math.min(maxTop, Math.max(0, top.value + event.deltaY));
    };
    element.addEventListener('wheel', onWheel, { passive: false });
    return () => element.removeEventListener('wheel', onWheel);
  }, [view, maxTop]);

  const hitAt = (event: PointerEvent | MouseEvent): number => {
    const rect = box.current?.getBoundingClientRect();
    return rect === undefined ? -1 : painter.hit(current.current, event.clientX - rect.left, event.clientY - rect.top);
  };
  const showTip = (event: PointerEvent): void => {
    const element = tip.current;
    const rect = box.current?.getBoundingClientRect();
    if (element === null || rect === undefined) return;
    const node = event.buttons === 0 ? hitAt(event) : -1;
    element.hidden = node < 0;
    if (node < 0) return;
    element.textContent = `${view.text(trace.resource[node]) || t.waterfall.missing} · ${view.text(trace.service[node])}\n${exactDurationText(trace.duration[node])} · ${t.waterfall.self} ${durationText(trace.self[node])}`;
    element.style.transform = `translate(${Math.min(event.clientX - rect.left + 12, width - 260)}px, ${Math.min(event.clientY - rect.top + 16, height - 60)}px)`;
  };
  const trace = view.trace.value;
  const onPointerDown = (event: PointerEvent): void => {
    const element = box.current;
    if (event.button !== 0 || element === null) return;
    const start = { x: event.clientX, y: event.clientY, zoom: view.zoom.value, top: state.top };
    let hasMoved = false;
    element.setPointerCapture(event.pointerId);
    const onMove = (move: PointerEvent): void => {
      if (!hasMoved && Math.hypot(move.clientX - start.x, move.clientY - start.y) < 4) return;
      hasMoved = true;
      const by = ((start.x - move.clientX) / width) * (start.zoom.to - start.zoom.from);
      const length = view.scale.value.length;
      const from = Math.min(Math.max(0, start.zoom.from + by), Math.max(0, length - (start.zoom.to - start.zoom.from)));
      view.setZoom(from, from + start.zoom.to - start.zoom.from);
      top.value = Math.min(maxTop, Math.max(0, start.top + start.y - move.clientY));
    };
    element.addEventListener('pointermove', onMove);
    element.addEventListener(
      'lostpointercapture',
      () => {
        element.removeEventListener('pointermove', onMove);
        const node = hasMoved ? -1 : hitAt(event);
        if (node >= 0) view.select(node, true);
      },
      { once: true },
    );
  };
  const selected = view.selected.value;
  return (
    <div
      class={css.flame}
      ref={box}
      role="application"
      tabIndex={0}
      aria-label={t.flame.label}
      aria-description={selected < 0 ? undefined : describe(view, selected)}
      onPointerDown={onPointerDown}
      onPointerMove={showTip}
      onPointerLeave={() => tip.current !== null && (tip.current.hidden = true)}
      onDblClick={(event) => {
        const node = hitAt(event);
        if (node < 0) return;
        const from = view.scale.value.place(trace.start[node]);
        view.setZoom(from, view.scale.value.place(endOf(trace, node)));
      }}
    >
      <canvas ref={canvas} class={css.canvas} style={{ width: `${width}px`, height: `${height}px` }} />
      <div class={css.tip} ref={tip} hidden />
      <p class={css.hint}>{t.flame.hint}</p>
    </div>
  );
}

/** Up and down go to the parent and the first child, left and right to siblings. */
function flameKeys(view: TraceView): Parameters<typeof addKeys>[0] {
  const { groups } = t.keys;
  const go = (next: (node: number) => number): (() => void) => {
    return () => {
      const node = view.selected.value;
      const to = node < 0 ? 0 : next(node);
      if (to >= 0) view.select(to);
    };
  };
  const sibling = (by: 1 | -1) => (node: number) => {
    const { parent, size, count } = view.trace.value;
    if (by > 0) {
      const next = node + size[node];
      return next < count && parent[next] === parent[node] ? next : -1;
    }
    let before = -1;
    for (let at = parent[node] < 0 ? 0 : parent[node] + 1; at < node; at += size[at]) before = at;
    return before;
  };
  return [
    { keys: ['ArrowUp', 'k'], label: t.panel.up, group: groups.move, run: go((node) => view.trace.value.parent[node]) },
    {
      keys: ['ArrowDown', 'j'],
      label: t.keys.right,
      group: groups.move,
      run: go((node) => (view.trace.value.size[node] > 1 ? node + 1 : -1)),
    },
    { keys: ['ArrowLeft'], label: t.panel.previous, group: groups.move, run: go(sibling(-1)) },
    { keys: ['ArrowRight', 'l'], label: t.keys.nextSibling, group: groups.move, run: go(sibling(1)) },
  ];
}

interface FlameState {
  readonly viewport: Parameters<typeof axisMarks>[0];
  readonly height: number;
  readonly top: number;
  readonly selected: number;
  readonly lit: Uint8Array | undefined;
  readonly onPath: Uint8Array | undefined;
}

/** Draws lanes; finds what lies under a point. Colours are read once a theme. */
class FlamePainter {
  readonly #view: TraceView;
  readonly #lanes: Lanes;
  readonly #fill = new Map<number, string>();
  readonly #colors = {
    panel: colorOf('--panel'),
    text: colorOf('--text'),
    text3: colorOf('--text-3'),
    line: colorOf('--line-soft'),
    strong: colorOf('--line-strong'),
    error: colorOf('--error-fill'),
    selected: colorOf('--selected-line'),
    path: colorOf('--path'),
    none: colorOf('--s-none'),
    ink: isDark.peek() ? '#0b0d11' : '#ffffff',
  };

  constructor(view: TraceView, lanes: Lanes) {
    this.#view = view;
    this.#lanes = lanes;
    const { services } = view.trace.peek();
    const colors = assignColors(services.map(({ name }) => name));
    const byColor = new Map<number, string>();
    for (const { service, name } of services) {
      const color = colors.get(name) ?? colorOfService(name);
      let css = byColor.get(color);
      if (css === undefined) byColor.set(color, (css = colorOf(`--s${color}`)));
      this.#fill.set(service, css);
    }
  }

  paint(context: CanvasRenderingContext2D, state: FlameState): void {
    const { viewport, height, top } = state;
    const { widthPx } = viewport;
    const ratio = Math.min(2, devicePixelRatio);
    const { canvas } = context;
    if (canvas.width !== Math.round(widthPx * ratio) || canvas.height !== Math.round(height * ratio)) {
      canvas.width = Math.round(widthPx * ratio);
      canvas.height = Math.round(height * ratio);
    }
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    const colors = this.#colors;
    context.fillStyle = colors.panel;
    context.fillRect(0, 0, widthPx, height);
    const font = getComputedStyle(document.body).fontFamily;
    const { marks, bands } = axisMarks(viewport);
    context.fillStyle = colors.line;
    for (const { left, width } of bands) context.fillRect(left, HEAD_PX, width, height);
    for (const { px } of marks) context.fillRect(Math.round(px), HEAD_PX, 1, height);

    const first = Math.max(0, Math.floor(top / LANE_PX));
    const last = Math.min(this.#lanes.count, Math.ceil((top + height) / LANE_PX));
    context.font = `500 11px ${font}`;
    context.textBaseline = 'middle';
    context.save();
    context.beginPath();
    context.rect(0, HEAD_PX, widthPx, height);
    context.clip();
    for (let lane = first; lane < last; lane++)
      this.#paintLane(context, state, lane, HEAD_PX + 6 + lane * LANE_PX - top);
    context.restore();

    context.fillStyle = colors.panel;
    context.fillRect(0, 0, widthPx, HEAD_PX - 1);
    context.fillStyle = colors.strong;
    context.fillRect(0, HEAD_PX - 1, widthPx, 1);
    context.font = `400 11px ${font}`;
    for (const { px, label } of marks) {
      context.fillStyle = colors.strong;
      context.fillRect(Math.round(px), HEAD_PX - 8, 1, 7);
      context.fillStyle = colors.text3;
      if (px < widthPx - 50) context.fillText(label, px + 5, 13);
    }
  }

  #paintLane(context: CanvasRenderingContext2D, state: FlameState, lane: number, y: number): void {
    const { viewport, selected, lit, onPath } = state;
    const { scale, from, to, widthPx } = viewport;
    const { begin, nodes } = this.#lanes;
    const trace = this.#view.trace.peek();
    const colors = this.#colors;
    const perPlace = widthPx / (to - from);
    const end = begin[lane + 1];
    let drawnTo = -Infinity;
    for (let at = this.#firstAt(lane, scale.time(from)); at < end; at++) {
      const node = nodes[at];
      const left = (scale.place(trace.start[node]) - from) * perPlace;
      if (left > widthPx) break;
      const right = Math.max(left + 1, (scale.place(endOf(trace, node)) - from) * perPlace);
      if (right < 0) continue;
      if (right <= drawnTo + 0.5 && node !== selected) {
        // Within a pixel that is drawn already: on to the first span that reaches the next one.
        at = Math.max(at, this.#firstAt(lane, scale.time(from + (drawnTo + 0.5) / perPlace)) - 1);
        continue;
      }
      drawnTo = right;
      const x = Math.max(-2, left);
      const width = Math.min(widthPx + 2, right) - x;
      const gap = width > 3 ? 0.5 : 0;
      context.globalAlpha = lit !== undefined && lit[node] === 0 ? 0.25 : 1;
      context.fillStyle = trace.service[node] < 0 ? colors.none : (this.#fill.get(trace.service[node]) ?? colors.none);
      context.fillRect(x, y, width - gap, LANE_PX - 3);
      if (trace.status[node] === STATUS_ERROR) {
        context.fillStyle = colors.error;
        context.fillRect(x, y, Math.min(4, width), LANE_PX - 3);
        context.fillRect(x, y, width - gap, 2);
      }
      if (onPath?.[node] === 1) {
        context.fillStyle = colors.path;
        context.fillRect(x, y + LANE_PX - 5, width - gap, 2);
      }
      if (width > MIN_TEXT_PX)
        this.#paintText(context, node, Math.max(x, 0) + 6, y, Math.min(widthPx, right) - Math.max(x, 0) - 10);
      context.globalAlpha = 1;
      if (node === selected) {
        context.strokeStyle = colors.panel;
        context.lineWidth = 4;
        context.strokeRect(x, y, Math.max(3, width - gap), LANE_PX - 3);
        context.strokeStyle = colors.selected;
        context.lineWidth = 2;
        context.strokeRect(x, y, Math.max(3, width - gap), LANE_PX - 3);
      }
    }
  }

  #paintText(context: CanvasRenderingContext2D, node: number, x: number, y: number, width: number): void {
    const trace = this.#view.trace.peek();
    context.fillStyle = this.#colors.ink;
    const text = this.#view.text(trace.resource[node]) || t.waterfall.missing;
    const duration = durationText(trace.duration[node]);
    // About 6 pixels a letter: measuring each would cost more than drawing it.
    const letters = Math.floor(width / 6.2);
    const shown = text.length <= letters ? text : letters < 4 ? '' : `${text.slice(0, letters - 1)}…`;
    if (shown === '') return;
    context.fillText(shown, x, y + LANE_PX / 2 - 1);
    if (text.length + duration.length + 4 > letters) return;
    context.globalAlpha *= 0.8;
    context.fillText(duration, x + width - context.measureText(duration).width, y + LANE_PX / 2 - 1);
  }

  /** The first span of a lane that ends after a time. Lanes are by time and do not overlap. */
  #firstAt(lane: number, us: number): number {
    const { begin, nodes } = this.#lanes;
    const trace = this.#view.trace.peek();
    let low = begin[lane];
    let high = begin[lane + 1];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (endOf(trace, nodes[middle]) < us) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** The node at a point of the canvas, or -1. */
  hit({ viewport, top }: FlameState, x: number, y: number): number {
    const lane = Math.floor((y - HEAD_PX - 6 + top) / LANE_PX);
    if (y < HEAD_PX || lane < 0 || lane >= this.#lanes.count) return -1;
    const { scale, from, to, widthPx } = viewport;
    const slack = ((to - from) / widthPx) * 2;
    const place = from + (x / widthPx) * (to - from);
    const at = this.#firstAt(lane, scale.time(place - slack));
    if (at >= this.#lanes.begin[lane + 1]) return -1;
    const node = this.#lanes.nodes[at];
    return this.#view.trace.peek().start[node] <= scale.time(place + slack) ? node : -1;
  }
}
