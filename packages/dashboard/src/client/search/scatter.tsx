import { useSignal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import type { JSX } from 'preact';
import type { SummaryJson } from '@forge/query';
import { clockText, durationText } from '../../model/duration-text.ts';
import { go, hrefOf, hrefWith } from '../app/location.ts';
import { colorOf, isDark } from '../app/theme.ts';
import { useSize } from '../ui/use-size.ts';
import { t } from '../texts.ts';
import css from './scatter.module.css';

const HEIGHT_PX = 116;
const PAD = { left: 52, right: 12, top: 10, bottom: 20 };

/** The page's traces by time and duration (on a logarithmic axis): click one, or drag to narrow the time. */
export function Scatter({ traces, params }: { traces: readonly SummaryJson[]; params: URLSearchParams }): JSX.Element {
  const box = useRef<HTMLDivElement>(null);
  const canvas = useRef<HTMLCanvasElement>(null);
  const tip = useRef<HTMLDivElement>(null);
  const drag = useSignal<{ from: number; to: number } | undefined>(undefined);
  const { width } = useSize(box);
  const plot = plotOf(traces, width);
  const dark = isDark.value;
  useEffect(() => {
    const context = canvas.current?.getContext('2d');
    if (context === null || context === undefined || width === 0) return;
    paint(context, plot, traces);
  }, [traces, width, dark]);

  const near = (event: PointerEvent): number => {
    const rect = box.current!.getBoundingClientRect();
    const [x, y] = [event.clientX - rect.left, event.clientY - rect.top];
    let best = -1;
    let bestDistance = 12;
    for (const [at, trace] of traces.entries()) {
      const distance = Math.hypot(plot.x(trace.start_us) - x, plot.y(trace.duration_us) - y);
      if (distance < bestDistance) [best, bestDistance] = [at, distance];
    }
    return best;
  };
  const onPointerMove = (event: PointerEvent): void => {
    const element = tip.current;
    if (element === null || event.buttons !== 0) return;
    const at = near(event);
    element.hidden = at < 0;
    box.current!.style.cursor = at < 0 ? 'crosshair' : 'pointer';
    if (at < 0) return;
    const trace = traces[at];
    element.textContent = `${trace.root.resource} · ${durationText(trace.duration_us)} · ${clockText(trace.start_us)}`;
    const x = plot.x(trace.start_us);
    element.style.transform = `translate(${Math.min(x + 10, width - 280)}px, ${Math.max(2, plot.y(trace.duration_us) - 28)}px)`;
  };
  const onPointerDown = (event: PointerEvent): void => {
    const surface = box.current;
    if (event.button !== 0 || surface === null) return;
    const hit = near(event);
    const { left } = surface.getBoundingClientRect();
    const start = event.clientX - left;
    surface.setPointerCapture(event.pointerId);
    const onMove = (move: PointerEvent): void => {
      drag.value = { from: start, to: Math.min(width - PAD.right, Math.max(PAD.left, move.clientX - left)) };
    };
    surface.addEventListener('pointermove', onMove);
    surface.addEventListener(
      'lostpointercapture',
      () => {
        surface.removeEventListener('pointermove', onMove);
        const range = drag.value;
        drag.value = undefined;
        if (range !== undefined && Math.abs(range.to - range.from) > 4) {
          const next = new URLSearchParams(params);
          next.set('start', String(Math.floor(plot.timeAt(Math.min(range.from, range.to)))));
          next.set('end', String(Math.ceil(plot.timeAt(Math.max(range.from, range.to)))));
          for (const name of ['range', 'cursor', 'live']) next.delete(name);
          go(hrefWith('search', next));
        } else if (hit >= 0) go(hrefOf(`traces/${traces[hit].trace_id}`));
      },
      { once: true },
    );
  };
  return (
    <div
      class={css.scatter}
      ref={box}
      role="img"
      aria-label={t.searchPage.scatter}
      onPointerDown={onPointerDown}
      onPointerMove={onPointerMove}
      onPointerLeave={() => tip.current !== null && (tip.current.hidden = true)}
    >
      <canvas ref={canvas} style={{ width: `${width}px`, height: `${HEIGHT_PX}px` }} />
      <div class={css.tip} ref={tip} hidden />
      {drag.value !== undefined && (
        <span
          class={css.drag}
          style={{
            left: `${Math.min(drag.value.from, drag.value.to)}px`,
            width: `${Math.abs(drag.value.to - drag.value.from)}px`,
          }}
        />
      )}
    </div>
  );
}

interface Plot {
  readonly width: number;
  readonly from: number;
  readonly to: number;
  readonly low: number;
  readonly high: number;
  readonly x: (unixUs: number) => number;
  readonly y: (durationUs: number) => number;
  readonly timeAt: (x: number) => number;
}

function plotOf(traces: readonly SummaryJson[], width: number): Plot {
  const starts = traces.map((trace) => trace.start_us);
  const durations = traces.map((trace) => Math.max(1, trace.duration_us));
  const [first, last] = [Math.min(...starts), Math.max(...starts)];
  const margin = Math.max(1e6, (last - first) * 0.02);
  const [from, to] = [first - margin, last + margin];
  const low = Math.floor(Math.log10(Math.min(...durations)));
  const high = Math.max(low + 1, Math.ceil(Math.log10(Math.max(...durations)) + 0.05));
  const inner = width - PAD.left - PAD.right;
  const innerHeight = HEIGHT_PX - PAD.top - PAD.bottom;
  return {
    width,
    from,
    to,
    low,
    high,
    x: (unixUs) => PAD.left + ((unixUs - from) / (to - from)) * inner,
    y: (us) => PAD.top + (1 - (Math.log10(Math.max(1, us)) - low) / (high - low)) * innerHeight,
    timeAt: (x) => from + ((x - PAD.left) / inner) * (to - from),
  };
}

function paint(context: CanvasRenderingContext2D, plot: Plot, traces: readonly SummaryJson[]): void {
  const ratio = Math.min(2, devicePixelRatio);
  context.canvas.width = Math.round(plot.width * ratio);
  context.canvas.height = Math.round(HEIGHT_PX * ratio);
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.font = `11px ${getComputedStyle(document.body).fontFamily}`;
  const line = colorOf('--line');
  const text = colorOf('--text-3');
  for (let power = plot.low; power <= plot.high; power++) {
    const y = Math.round(plot.y(10 ** power)) + 0.5;
    context.fillStyle = line;
    context.fillRect(PAD.left, y, plot.width - PAD.left - PAD.right, 1);
    context.fillStyle = text;
    context.textAlign = 'right';
    context.fillText(durationText(10 ** power).replace(/\.0+/, ''), PAD.left - 6, y + 4);
  }
  const ticks = Math.max(1, Math.floor(plot.width / 150));
  context.textAlign = 'center';
  for (let tick = 0; tick <= ticks; tick++) {
    const at = plot.from + ((plot.to - plot.from) * (tick + 0.5)) / (ticks + 1);
    context.fillText(clockText(at, 0), plot.x(at), HEIGHT_PX - 4);
  }
  const [ok, failed, panel] = [colorOf('--accent'), colorOf('--error-fill'), colorOf('--panel')];
  for (const trace of traces) {
    const radius = 3 + Math.min(5, Math.log10(Math.max(1, trace.spans)) * 1.6);
    const [x, y] = [plot.x(trace.start_us), plot.y(trace.duration_us)];
    context.beginPath();
    // Failed traces are squares: told apart without their colour, too.
    if (trace.errors > 0) context.rect(x - radius * 0.85, y - radius * 0.85, radius * 1.7, radius * 1.7);
    else context.arc(x, y, radius, 0, Math.PI * 2);
    context.globalAlpha = 0.72;
    context.fillStyle = trace.errors > 0 ? failed : ok;
    context.fill();
    context.globalAlpha = 1;
    context.strokeStyle = panel;
    context.stroke();
  }
}
