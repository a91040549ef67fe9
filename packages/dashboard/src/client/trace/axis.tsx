import { useComputed, useSignal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import type { JSX } from 'preact';
import type { Viewport } from '../../model/bar.ts';
import { durationText } from '../../model/duration-text.ts';
import { axisTicks } from '../../model/ticks.ts';
import { t } from '../texts.ts';
import type { WaterfallLook } from './waterfall.tsx';
import css from './waterfall.module.css';

interface Mark {
  readonly px: number;
  readonly label: string;
}

interface Band {
  readonly left: number;
  readonly width: number;
  readonly label: string;
  readonly title: string;
}

const PX_A_TICK = 110;
const TICK_LABEL_PX = 48;
const BAND_LABEL_PX = 28;

/** Ticks and squeezed stretches of what is in sight, in pixels. */
export function axisMarks(viewport: Viewport): { marks: Mark[]; bands: Band[] } {
  const { scale, from, to, widthPx } = viewport;
  const perPlace = widthPx / (to - from);
  const px = (place: number): number => (place - from) * perPlace;
  if (scale.squeezes.length === 0) {
    const ticks = axisTicks(
      from,
      Math.min(scale.length, to + viewport.roomPx / perPlace),
      Math.max(1, widthPx / PX_A_TICK),
    );
    return { marks: ticks.map(({ us, label }) => ({ px: px(us), label })), bands: [] };
  }
  const marks: Mark[] = [];
  const bands: Band[] = [];
  // Between squeezed stretches time counts anew, and the ticks say so.
  let pieceFrom = 0;
  for (const squeeze of [...scale.squeezes, undefined]) {
    const pieceTo = squeeze === undefined ? scale.length : scale.place(squeeze.startUs);
    const [shownFrom, shownTo] = [Math.max(from, pieceFrom), Math.min(to, pieceTo)];
    if (shownTo > shownFrom) {
      const wanted = Math.max(1, ((shownTo - shownFrom) * perPlace) / PX_A_TICK);
      for (const { us, label } of axisTicks(shownFrom - pieceFrom, shownTo - pieceFrom, wanted)) {
        if (us === 0 && pieceFrom > 0) continue;
        marks.push({ px: px(us + pieceFrom), label: pieceFrom === 0 ? label : `+${label}` });
      }
    }
    if (squeeze === undefined) break;
    const text = durationText(squeeze.endUs - squeeze.startUs);
    bands.push({
      left: px(pieceTo),
      width: squeeze.drawnUs * perPlace,
      label: text,
      title: t.waterfall.squeezed(squeeze.endUs - squeeze.startUs),
    });
    pieceFrom = pieceTo + squeeze.drawnUs;
  }
  const shown = bands.filter(({ left, width }) => left < widthPx && left + width > 0);
  // A tick's label stands right of it: none where it would run into the label of a squeezed stretch.
  const isFree = ({ px }: Mark): boolean =>
    shown.every(
      ({ left, width }) =>
        px + TICK_LABEL_PX < left + width / 2 - BAND_LABEL_PX || px > left + width / 2 + BAND_LABEL_PX,
    );
  return { marks: marks.filter(isFree), bands: shown };
}

/** The head of the time column: drag across it to zoom. */
export function Axis({ look }: { look: WaterfallLook }): JSX.Element {
  const marks = useComputed(() => axisMarks(look.viewport.value));
  const drag = useSignal<{ from: number; to: number } | undefined>(undefined);
  const onPointerDown = (event: PointerEvent): void => {
    const element = event.currentTarget;
    if (event.button !== 0 || !(element instanceof HTMLElement)) return;
    event.preventDefault();
    const { left, width } = element.getBoundingClientRect();
    const at = (move: PointerEvent): number => Math.min(width, Math.max(0, move.clientX - left));
    const start = at(event);
    element.setPointerCapture(event.pointerId);
    const onMove = (move: PointerEvent): void => void (drag.value = { from: start, to: at(move) });
    element.addEventListener('pointermove', onMove);
    element.addEventListener(
      'lostpointercapture',
      () => {
        element.removeEventListener('pointermove', onMove);
        const range = drag.value;
        drag.value = undefined;
        if (range === undefined || Math.abs(range.to - range.from) < 4) return;
        const { from, to, widthPx } = look.viewport.value;
        const place = (x: number): number => from + (x / widthPx) * (to - from);
        look.view.setZoom(place(Math.min(range.from, range.to)), place(Math.max(range.from, range.to)));
      },
      { once: true },
    );
  };
  const { widthPx } = look.viewport.value;
  return (
    <div class={css.axis} onPointerDown={onPointerDown} onDblClick={() => look.view.resetZoom()}>
      {marks.value.bands.map(({ left, width, label, title }) => (
        <span key={left} class={css.bandLabel} title={title} style={{ left: `${left + width / 2}px` }}>
          {label}
        </span>
      ))}
      {marks.value.marks.map(({ px, label }) => (
        <span
          key={label}
          class={css.tick}
          data-edge={px > widthPx + look.viewport.value.roomPx - 50 ? '' : undefined}
          style={{ transform: `translateX(${px}px)` }}
        >
          {label}
        </span>
      ))}
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

/** The ticks' lines behind the bars. Stands still while the rows scroll. */
export function Gridlines({ look }: { look: WaterfallLook }): JSX.Element {
  const { marks, bands } = axisMarks(look.viewport.value);
  return (
    <div class={css.grid} aria-hidden="true">
      {bands.map(({ left, width }) => (
        <i key={`b${left}`} class={css.band} style={{ left: `${left}px`, width: `${width}px` }} />
      ))}
      {marks.map(({ px, label }) => (
        <i key={label} class={css.gridline} style={{ transform: `translateX(${px}px)` }} />
      ))}
    </div>
  );
}

/** A line under the pointer, and the time there: moved by hand, without a render. */
export function Crosshair({
  look,
  scroller,
}: {
  look: WaterfallLook;
  scroller: { readonly current: HTMLDivElement | null };
}): JSX.Element {
  const line = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const element = scroller.current;
    if (element === null) return undefined;
    const onMove = (event: PointerEvent): void => {
      const cross = line.current;
      if (cross === null) return;
      const { left, width } = cross.parentElement!.getBoundingClientRect();
      const x = event.clientX - left;
      const isInside = x >= 0 && x <= width && event.pointerType !== 'touch';
      cross.hidden = !isInside;
      if (!isInside) return;
      const { scale, from, to, widthPx } = look.viewport.peek();
      const us = scale.time(from + (x / widthPx) * (to - from)) - scale.startUs;
      cross.style.transform = `translateX(${x}px)`;
      cross.dataset['label'] = durationText(us);
      cross.dataset['side'] = x > width - 80 ? 'left' : 'right';
    };
    const onLeave = (): void => {
      if (line.current !== null) line.current.hidden = true;
    };
    element.addEventListener('pointermove', onMove);
    element.addEventListener('pointerleave', onLeave);
    return () => {
      element.removeEventListener('pointermove', onMove);
      element.removeEventListener('pointerleave', onLeave);
    };
  }, [look]);
  return (
    <div class={css.grid} data-front="" aria-hidden="true">
      <div class={css.crosshair} ref={line} hidden />
    </div>
  );
}
