import { useSignal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import type { JSX } from 'preact';
import type { HeatmapJson } from '@forge/query';
import { clockText, durationText } from '../../model/duration-text.ts';
import { colorOf, isDark } from '../app/theme.ts';
import { useSize } from '../ui/use-size.ts';
import { t } from '../texts.ts';
import css from './heatmap.module.css';

const ROW_PX = 9;
const PAD = { left: 62, right: 8, top: 6, bottom: 20 };

/** What was chosen by dragging a box: times in Unix microseconds, durations in microseconds. */
export interface HeatmapBox {
  readonly fromUs: number;
  readonly toUs: number;
  readonly minUs: number;
  readonly maxUs: number;
}

/** How many requests took how long, over time: darker is more. */
export function HeatmapChart({
  heatmap,
  onSelect,
}: {
  heatmap: HeatmapJson;
  onSelect: (box: HeatmapBox) => void;
}): JSX.Element {
  const box = useRef<HTMLDivElement>(null);
  const canvas = useRef<HTMLCanvasElement>(null);
  const tip = useRef<HTMLDivElement>(null);
  const drag = useSignal<{ x0: number; y0: number; x1: number; y1: number } | undefined>(undefined);
  const { width } = useSize(box);
  const { rows_us: rows, starts_us: starts, counts } = heatmap;
  const height = PAD.top + PAD.bottom + Math.max(8, rows.length) * ROW_PX;
  const inner = Math.max(1, width - PAD.left - PAD.right);
  const dark = isDark.value;
  useEffect(() => {
    const context = canvas.current?.getContext('2d');
    if (context === null || context === undefined || width === 0) return;
    paint(context, heatmap, width, height);
  }, [heatmap, width, dark]);

  const columnAt = (x: number): number =>
    Math.min(starts.length - 1, Math.max(0, Math.floor(((x - PAD.left) / inner) * starts.length)));
  const rowAt = (y: number): number =>
    Math.min(rows.length - 1, Math.max(0, Math.floor((height - PAD.bottom - y) / ROW_PX)));
  const point = (event: PointerEvent): { x: number; y: number } => {
    const rect = box.current!.getBoundingClientRect();
    return { x: event.clientX - rect.left, y: event.clientY - rect.top };
  };
  const rowEnd = (row: number): number => rows[row + 1] ?? Math.max(1, rows[row]) * 1.5;
  const onPointerMove = (event: PointerEvent): void => {
    const element = tip.current;
    if (element === null || event.buttons !== 0 || rows.length === 0) return;
    const { x, y } = point(event);
    const [column, row] = [columnAt(x), rowAt(y)];
    const isInside = x >= PAD.left && x <= width - PAD.right && y <= height - PAD.bottom;
    element.hidden = !isInside;
    if (!isInside) return;
    element.textContent = `${clockText(starts[column], 0)}  ${durationText(rows[row])} – ${durationText(rowEnd(row))}  ${t.requests(counts[column][row])}`;
    element.style.transform = `translate(${Math.min(x + 12, width - 300)}px, ${Math.max(0, y - 30)}px)`;
  };
  const onPointerDown = (event: PointerEvent): void => {
    const surface = box.current;
    if (event.button !== 0 || surface === null || rows.length === 0) return;
    event.preventDefault();
    const start = point(event);
    surface.setPointerCapture(event.pointerId);
    const onMove = (move: PointerEvent): void => {
      const { x, y } = point(move);
      drag.value = {
        x0: Math.min(start.x, x),
        x1: Math.max(start.x, x),
        y0: Math.min(start.y, y),
        y1: Math.max(start.y, y),
      };
    };
    surface.addEventListener('pointermove', onMove);
    surface.addEventListener(
      'lostpointercapture',
      () => {
        surface.removeEventListener('pointermove', onMove);
        const { x0, x1, y0, y1 } = drag.value ?? { x0: start.x, x1: start.x, y0: start.y, y1: start.y };
        drag.value = undefined;
        const bottom = rowAt(y1);
        onSelect({
          fromUs: starts[columnAt(x0)],
          toUs: starts[columnAt(x1)] + heatmap.step_us,
          minUs: rows[bottom],
          maxUs: rowEnd(rowAt(y0)),
        });
      },
      { once: true },
    );
  };
  return (
    <figure class={css.figure}>
      <figcaption class={css.title}>{t.homePage.heatmap}</figcaption>
      <div
        class={css.plot}
        ref={box}
        role="img"
        aria-label={t.homePage.heatmapLabel}
        onPointerDown={onPointerDown}
        onPointerMove={onPointerMove}
        onPointerLeave={() => tip.current !== null && (tip.current.hidden = true)}
      >
        <canvas ref={canvas} style={{ width: `${width}px`, height: `${height}px` }} />
        <div class={css.tip} ref={tip} hidden />
        {drag.value !== undefined && (
          <span
            class={css.drag}
            style={{
              left: `${drag.value.x0}px`,
              top: `${drag.value.y0}px`,
              width: `${drag.value.x1 - drag.value.x0}px`,
              height: `${drag.value.y1 - drag.value.y0}px`,
            }}
          />
        )}
      </div>
    </figure>
  );
}

function paint(context: CanvasRenderingContext2D, heatmap: HeatmapJson, width: number, height: number): void {
  const { rows_us: rows, starts_us: starts, counts } = heatmap;
  const ratio = Math.min(2, devicePixelRatio);
  context.canvas.width = Math.round(width * ratio);
  context.canvas.height = Math.round(height * ratio);
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  const inner = width - PAD.left - PAD.right;
  const columnPx = inner / starts.length;
  const most = Math.max(1, ...counts.map((column) => Math.max(0, ...column)));
  context.fillStyle = colorOf('--accent');
  for (const [x, column] of counts.entries()) {
    for (const [y, count] of column.entries()) {
      if (count === 0) continue;
      // Few among many still show.
      context.globalAlpha = 0.12 + 0.88 * Math.sqrt(count / most);
      context.fillRect(
        PAD.left + x * columnPx,
        height - PAD.bottom - (y + 1) * ROW_PX,
        Math.max(1, columnPx - 0.75),
        ROW_PX - 0.75,
      );
    }
  }
  context.globalAlpha = 1;
  context.font = `11px ${getComputedStyle(document.body).fontFamily}`;
  context.fillStyle = colorOf('--text-3');
  context.textAlign = 'right';
  for (let row = 0; row < rows.length; row += 4)
    context.fillText(durationText(rows[row]), PAD.left - 8, height - PAD.bottom - row * ROW_PX + 4);
  context.textAlign = 'center';
  const every = Math.max(1, Math.ceil(starts.length / Math.max(1, Math.floor(inner / 110))));
  for (let column = 0; column < starts.length; column += every)
    context.fillText(clockText(starts[column], 0).slice(0, 5), PAD.left + column * columnPx, height - 5);
  context.fillStyle = colorOf('--line');
  context.fillRect(PAD.left, height - PAD.bottom, inner, 1);
}
