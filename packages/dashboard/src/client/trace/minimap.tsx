import { useSignal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import type { JSX } from 'preact';
import { durationText } from '../../model/duration-text.ts';
import { rasterize } from '../../model/minimap.ts';
import { assignColors } from '../../model/service-colors.ts';
import { axisTicks } from '../../model/ticks.ts';
import { colorOf, isDark } from '../app/theme.ts';
import { rgbOf } from '../ui/rgb.ts';
import { useSize } from '../ui/use-size.ts';
import { t } from '../texts.ts';
import type { TraceView } from './view.ts';
import css from './minimap.module.css';

/** Of the picture; the labels stand above it. */
const HEIGHT_PX = 40;
const MIN_DRAG_PX = 3;

/** The whole trace in a strip, and the part of it that is zoomed to: drag to choose one, drag it, drag its ends. */
export function Minimap({ view }: { view: TraceView }): JSX.Element {
  const box = useRef<HTMLDivElement>(null);
  const { width } = useSize(box);
  const scale = view.scale.value;
  const { from, to } = view.zoom.value;
  const left = (from / Math.max(scale.length, 1e-9)) * width;
  const right = (to / Math.max(scale.length, 1e-9)) * width;
  const ticks = axisTicks(0, scale.length, Math.max(1, width / 140));
  const isPlain = scale.squeezes.length === 0;
  return (
    <div class={css.minimap} ref={box} role="group" aria-label={t.waterfall.minimap}>
      <Picture view={view} width={Math.floor(width)} />
      {isPlain &&
        ticks.slice(1).map(({ us, label }) => (
          <span key={label} class={css.tick} style={{ left: `${(us / scale.length) * 100}%` }}>
            {us / scale.length < 0.95 && label}
          </span>
        ))}
      {view.isZoomed && (
        <>
          <div class={css.veil} style={{ left: 0, width: `${left}px` }} />
          <div class={css.veil} style={{ left: `${right}px`, right: 0 }} />
        </>
      )}
      <Brush view={view} box={box} width={width} left={left} right={right} />
    </div>
  );
}

function Picture({ view, width }: { view: TraceView; width: number }): JSX.Element {
  const canvas = useRef<HTMLCanvasElement>(null);
  const trace = view.trace.value;
  const scale = view.scale.value;
  const focus = view.focus.value;
  const dark = isDark.value;
  useEffect(() => {
    const context = canvas.current?.getContext('2d');
    if (context === null || context === undefined || width === 0) return undefined;
    // After the rows: they are what is waited for.
    const frame = requestAnimationFrame(() => {
      const ratio = Math.min(2, devicePixelRatio);
      const [w, h] = [Math.round(width * ratio), Math.round(HEIGHT_PX * ratio)];
      context.canvas.width = w;
      context.canvas.height = h;
      const raster = rasterize(trace, scale, w, h, focus);
      const colors = assignColors(trace.services.map(({ name }) => name));
      const palette = new Map<number, number>();
      const none = rgbOf(colorOf('--s-none'));
      const background = rgbOf(colorOf('--panel'));
      for (const { service, name } of trace.services) palette.set(service, rgbOf(colorOf(`--s${colors.get(name)}`)));
      const image = context.createImageData(w, h);
      const pixels = new Uint32Array(image.data.buffer);
      for (let at = 0; at < pixels.length; at++) {
        const service = raster.service[at];
        pixels[at] = service === -2 ? background : (palette.get(service) ?? none);
      }
      context.putImageData(image, 0, 0);
      context.fillStyle = colorOf('--error-fill');
      const size = Math.round(2 * ratio);
      for (let at = 0; at < raster.error.length; at++)
        if (raster.error[at] === 1) context.fillRect((at % w) - 1, Math.floor(at / w) - 1, size + 1, size);
    });
    return () => cancelAnimationFrame(frame);
  }, [trace, scale, focus, width, dark]);
  return <canvas class={css.picture} ref={canvas} style={{ height: `${HEIGHT_PX}px` }} aria-hidden="true" />;
}

interface BrushProps {
  readonly view: TraceView;
  readonly box: { readonly current: HTMLDivElement | null };
  readonly width: number;
  readonly left: number;
  readonly right: number;
}

function Brush({ view, box, width, left, right }: BrushProps): JSX.Element {
  const isDragging = useSignal(false);
  const length = view.scale.value.length;
  const placeOf = (x: number): number => (Math.min(width, Math.max(0, x)) / Math.max(1, width)) * length;

  const onPointerDown = (event: PointerEvent): void => {
    const element = box.current;
    if (event.button !== 0 || element === null || !(event.target instanceof HTMLElement)) return;
    event.preventDefault();
    const origin = element.getBoundingClientRect().left;
    const startX = event.clientX - origin;
    const start = view.zoom.value;
    const part = event.target.dataset['part'] ?? (view.isZoomed && startX > left && startX < right ? 'window' : 'new');
    const surface = event.currentTarget as HTMLElement;
    surface.setPointerCapture(event.pointerId);
    isDragging.value = true;
    const onMove = (move: PointerEvent): void => {
      const x = move.clientX - origin;
      if (part === 'from') view.setZoom(Math.min(placeOf(x), start.to), Math.max(placeOf(x), start.to));
      else if (part === 'to') view.setZoom(Math.min(start.from, placeOf(x)), Math.max(start.from, placeOf(x)));
      else if (part === 'window') {
        const by = Math.min(length - start.to, Math.max(-start.from, ((x - startX) / width) * length));
        view.setZoom(start.from + by, start.to + by);
      } else if (Math.abs(x - startX) >= MIN_DRAG_PX)
        view.setZoom(placeOf(Math.min(x, startX)), placeOf(Math.max(x, startX)));
    };
    surface.addEventListener('pointermove', onMove);
    surface.addEventListener(
      'lostpointercapture',
      () => {
        surface.removeEventListener('pointermove', onMove);
        isDragging.value = false;
      },
      { once: true },
    );
  };
  return (
    <div
      class={css.brush}
      data-zoomed={view.isZoomed ? '' : undefined}
      onPointerDown={onPointerDown}
      onDblClick={() => view.resetZoom()}
    >
      <Handle view={view} part="from" x={left} />
      <Handle view={view} part="to" x={right} />
    </div>
  );
}

function Handle({ view, part, x }: { view: TraceView; part: 'from' | 'to'; x: number }): JSX.Element {
  const zoom = view.zoom.value;
  const scale = view.scale.value;
  const us = scale.time(zoom[part]) - scale.startUs;
  const onKeyDown = (event: KeyboardEvent): void => {
    const step = { ArrowLeft: -0.02, ArrowRight: 0.02, PageDown: -0.1, PageUp: 0.1 }[event.key];
    if (step === undefined && event.key !== 'Home' && event.key !== 'End') return;
    event.preventDefault();
    event.stopPropagation();
    const { from, to } = view.zoom.value;
    const moved =
      event.key === 'Home'
        ? 0
        : event.key === 'End'
          ? scale.length
          : (part === 'from' ? from : to) + step! * (to - from);
    if (part === 'from') view.setZoom(Math.min(moved, to), to);
    else view.setZoom(from, Math.max(moved, from));
  };
  return (
    <div
      class={css.handle}
      data-part={part}
      role="slider"
      tabIndex={0}
      aria-label={part === 'from' ? t.waterfall.zoomFrom : t.waterfall.zoomTo}
      aria-valuemin={0}
      aria-valuemax={Math.round(scale.endUs - scale.startUs)}
      aria-valuenow={Math.round(us)}
      aria-valuetext={durationText(us)}
      style={{ transform: `translateX(${x}px)` }}
      onKeyDown={onKeyDown}
    />
  );
}
