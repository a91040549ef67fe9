import type { JSX } from 'preact';
import { barOf, MIN_BAR_PX, pathStretches, pxOf, stripes, type Viewport } from '../../model/bar.ts';
import { durationText } from '../../model/duration-text.ts';
import { Flag, STATUS_ERROR } from '../../model/span-table.ts';
import { endOf } from '../../model/trace.ts';
import { Icon } from '../ui/icons.tsx';
import { t } from '../texts.ts';
import type { WaterfallLook } from './waterfall.tsx';
import css from './waterfall.module.css';

/** Width that a duration's label needs, pixels. */
const LABEL_PX = 62;
const MAX_MARKS = 16;
const SERIOUS: ReadonlySet<string> = new Set(['error', 'fatal', 'exception', 'critical']);

/** A span in time: its bar, what sticks out of its parent, its part of the critical path, its log lines. */
export function SpanBar({ look, node }: { look: WaterfallLook; node: number }): JSX.Element {
  const { view } = look;
  const trace = view.trace.value;
  const viewport = look.viewport.value;
  const bar = barOf(trace, node, viewport);
  const isCollapsed = view.collapsed.value[node] === 1;
  const isMissing = (trace.flags[node] & Flag.missing) !== 0;
  const stretches =
    view.showPath.value && view.path.value.onPath[node] === 1
      ? pathStretches(view.path.value, look.pathIndex.value, node, viewport)
      : [];
  return (
    <>
      {isCollapsed && <Ghost look={look} node={node} viewport={viewport} />}
      {bar.beyond === undefined ? (
        <div
          class={css.bar}
          data-error={trace.status[node] === STATUS_ERROR ? '' : undefined}
          data-missing={isMissing ? '' : undefined}
          data-open={(trace.flags[node] & Flag.open) !== 0 ? '' : undefined}
          style={{
            left: `${bar.left}px`,
            width: `${bar.width}px`,
            background: isMissing ? undefined : stripes(bar.covered, 'var(--tint)', 'var(--c)'),
          }}
        >
          {bar.tailLeft !== undefined && <span class={css.tail} style={{ left: `${bar.tailLeft}px` }} />}
        </div>
      ) : (
        <Beyond side={bar.beyond} />
      )}
      {stretches.length > 0 && (
        <div
          class={css.path}
          style={{
            left: `${stretches[0][0]}px`,
            width: `${stretches.at(-1)![1] - stretches[0][0]}px`,
            background: stripes(
              stretches.map(([from, to]) => [from - stretches[0][0], to - stretches[0][0]]),
              'var(--path)',
              'transparent',
            ),
          }}
        />
      )}
      {bar.beyond === undefined && <Label look={look} node={node} left={bar.left} right={bar.left + bar.width} />}
      {trace.logBegin[node + 1] > trace.logBegin[node] && <LogMarks look={look} node={node} viewport={viewport} />}
    </>
  );
}

function Label({
  look,
  node,
  left,
  right,
}: {
  look: WaterfallLook;
  node: number;
  left: number;
  right: number;
}): JSX.Element {
  const trace = look.view.trace.value;
  const { widthPx, roomPx } = look.viewport.value;
  const edge = widthPx + roomPx;
  const isOpen = (trace.flags[node] & Flag.open) !== 0;
  const text = isOpen ? t.waterfall.open : durationText(trace.duration[node]);
  const side = right + LABEL_PX <= edge ? 'right' : left >= LABEL_PX ? 'left' : 'inside';
  const x = side === 'right' ? right + 6 : side === 'left' ? left - 6 : Math.min(right, edge) - 6;
  return (
    <span
      class={css.label}
      data-side={side}
      style={side === 'right' ? { left: `${x}px`, right: '' } : { left: '', right: `calc(100% - ${x}px)` }}
    >
      {text}
    </span>
  );
}

/** Where all that is below a collapsed row runs. */
function Ghost({ look, node, viewport }: { look: WaterfallLook; node: number; viewport: Viewport }): JSX.Element {
  const trace = look.view.trace.value;
  const left = Math.max(0, pxOf(trace.subtreeStart[node], viewport));
  const right = Math.min(viewport.widthPx + viewport.roomPx, pxOf(trace.subtreeEnd[node], viewport));
  return <div class={css.ghost} style={{ left: `${left}px`, width: `${Math.max(0, right - left)}px` }} />;
}

/** The bar is out of the zoomed part: which way it lies. */
function Beyond({ side }: { side: 'left' | 'right' }): JSX.Element {
  return (
    <span class={css.beyond} data-side={side}>
      <Icon name={side === 'left' ? 'chevronLeft' : 'chevronRight'} size={12} />
    </span>
  );
}

function LogMarks({ look, node, viewport }: { look: WaterfallLook; node: number; viewport: Viewport }): JSX.Element {
  const { view } = look;
  const trace = view.trace.value;
  const marks: { x: number; isSerious: boolean }[] = [];
  for (let log = trace.logBegin[node]; log < trace.logBegin[node + 1] && marks.length < MAX_MARKS; log++) {
    const x = pxOf(trace.logTime[log], viewport);
    if (x < 0 || x > viewport.widthPx + viewport.roomPx) continue;
    const isSerious = SERIOUS.has(view.text(trace.logLabel[log]));
    const last = marks.at(-1);
    if (last !== undefined && x - last.x < 5) last.isSerious ||= isSerious;
    else marks.push({ x, isSerious });
  }
  return (
    <>
      {marks.map(({ x, isSerious }, at) => (
        <i key={at} class={css.mark} data-serious={isSerious ? '' : undefined} style={{ left: `${x - 4}px` }} />
      ))}
    </>
  );
}

/** All members of a group on one line. */
export function GroupBar({ look, group }: { look: WaterfallLook; group: number }): JSX.Element {
  const { view } = look;
  const trace = view.trace.value;
  const grouping = view.grouping.value;
  if (grouping === undefined) return <></>;
  const viewport = look.viewport.value;
  const stretches: [number, number][] = [];
  let end = -Infinity;
  for (let at = grouping.position[grouping.first[group]]; at < grouping.groupEnd[group];) {
    const node = grouping.order[at];
    at += trace.size[node];
    end = Math.max(end, endOf(trace, node));
    const from = Math.max(0, pxOf(trace.start[node], viewport));
    const to = Math.min(
      viewport.widthPx + viewport.roomPx,
      Math.max(from + MIN_BAR_PX, pxOf(endOf(trace, node), viewport)),
    );
    if (to <= 0 || from >= viewport.widthPx + viewport.roomPx) continue;
    const last = stretches.at(-1);
    if (last !== undefined && from <= last[1] + (stretches.length > 80 ? 8 : 0.5)) last[1] = Math.max(last[1], to);
    else stretches.push([from, to]);
  }
  if (stretches.length === 0) return <Beyond side={viewport.scale.place(end) < viewport.from ? 'left' : 'right'} />;
  const left = stretches[0][0];
  const right = stretches.at(-1)![1];
  return (
    <div
      class={css.bar}
      data-group=""
      data-error={grouping.errors[group] > 0 ? '' : undefined}
      style={{
        left: `${left}px`,
        width: `${Math.max(MIN_BAR_PX, right - left)}px`,
        background: stripes(
          stretches.map(([from, to]) => [from - left, to - left]),
          'var(--c)',
          'var(--tint)',
        ),
      }}
    />
  );
}
