import { useEffect, useRef } from 'preact/hooks';
import type { JSX } from 'preact';
import type uPlot from 'uplot';
import { clockText } from '../../model/duration-text.ts';
import { colorOf, isDark } from '../app/theme.ts';
import { useSize } from '../ui/use-size.ts';
import css from './chart.module.css';

/** One line of a chart. */
export interface ChartSeries {
  readonly label: string;
  /** A colour token: `--s3`. */
  readonly color: string;
  /** One for each time; null where there is nothing to say. */
  readonly values: readonly (number | null)[];
  readonly dash?: readonly number[];
}

interface ChartProps {
  readonly title: string;
  readonly label: string;
  /** Unix microseconds. */
  readonly times: readonly number[];
  readonly series: readonly ChartSeries[];
  readonly format: (value: number) => string;
  /** Whether the lines are stacked upon each other. */
  readonly isStacked?: boolean;
  readonly isLogarithmic?: boolean;
  /** A stretch of time was dragged over. */
  readonly onSelect: (fromUs: number, toUs: number) => void;
}

const HEIGHT_PX = 150;
const FILL = 0.32;
/** Charts of one key show their cursors together. */
const SYNC_KEY = 'home';

/** Lines over time with a legend that says the values under the pointer. Loads its library when first shown. */
export function Chart(props: ChartProps): JSX.Element {
  const box = useRef<HTMLDivElement>(null);
  const { width } = useSize(box);
  const latest = useRef(props);
  latest.current = props;
  const dark = isDark.value;
  useEffect(() => {
    const element = box.current;
    if (element === null || width === 0 || props.times.length === 0) return undefined;
    let chart: uPlot | undefined;
    let isGone = false;
    void import('./uplot.ts').then(({ createChart }) => {
      if (isGone) return;
      chart = createChart(optionsOf(props, width, latest), dataOf(props), element);
    });
    return () => {
      isGone = true;
      chart?.destroy();
    };
  }, [props.times, props.series, width, dark]);
  return (
    <figure class={css.chart}>
      <figcaption class={css.title}>{props.title}</figcaption>
      <div class={css.plot} ref={box} role="img" aria-label={props.label} style={{ minHeight: `${HEIGHT_PX}px` }} />
      <ul class={css.legend}>
        {props.series.map(({ label, color }) => (
          <li key={label}>
            <i style={{ background: `var(${color})` }} />
            <bdi>{label}</bdi>
          </li>
        ))}
      </ul>
    </figure>
  );
}

function dataOf({ times, series, isStacked }: ChartProps): uPlot.AlignedData {
  const seconds = times.map((us) => us / 1e6);
  if (isStacked !== true) return [seconds, ...series.map(({ values }) => [...values])];
  const sums = times.map(() => 0);
  const stacked = series.map(({ values }) => values.map((value, at) => (sums[at] += value ?? 0)));
  return [seconds, ...stacked];
}

function optionsOf(props: ChartProps, width: number, latest: { readonly current: ChartProps }): uPlot.Options {
  const text = colorOf('--text-3');
  const grid = colorOf('--line-soft');
  const font = `11px ${getComputedStyle(document.body).fontFamily}`;
  const axis: uPlot.Axis = { stroke: text, font, grid: { stroke: grid, width: 1 }, ticks: { show: false }, gap: 4 };
  return {
    width,
    height: HEIGHT_PX,
    padding: [8, 8, 0, 0],
    legend: { show: false },
    cursor: {
      sync: { key: SYNC_KEY },
      drag: { x: true, y: false, setScale: false },
      points: { size: 6 },
    },
    scales: {
      x: { time: true },
      y: props.isLogarithmic === true ? { distr: 3 } : { range: (_, __, max) => [0, max > 0 ? max * 1.08 : 1] },
    },
    axes: [
      {
        ...axis,
        size: 26,
        space: 90,
        values: (_, splits) => splits.map((seconds) => clockText(seconds * 1e6, 0).slice(0, 5)),
      },
      {
        ...axis,
        size: 58,
        values: (_, splits) => splits.map((value) => (value === null ? '' : latest.current.format(value))),
      },
    ],
    series: [
      {},
      ...props.series.map(({ label, color, dash }, at): uPlot.Series => {
        const stroke = colorOf(color);
        return {
          label,
          stroke,
          width: 1.5,
          spanGaps: false,
          points: { show: false },
          ...(dash === undefined ? {} : { dash: [...dash] }),
          ...(props.isStacked === true && at === 0 ? { fill: withAlpha(stroke, FILL) } : {}),
        };
      }),
    ],
    // Each line of a stack is filled down to the one below it.
    bands:
      props.isStacked === true
        ? props.series.slice(1).map(({ color }, at) => ({
            series: [at + 2, at + 1] as [number, number],
            fill: withAlpha(colorOf(color), FILL),
          }))
        : [],
    hooks: {
      setSelect: [
        (chart) => {
          const { left, width: selected } = chart.select;
          if (selected < 4) return;
          const [from, to] = [chart.posToVal(left, 'x'), chart.posToVal(left + selected, 'x')];
          latest.current.onSelect(Math.floor(from * 1e6), Math.ceil(to * 1e6));
        },
      ],
      setCursor: [(chart) => showValues(chart, latest.current)],
    },
  };
}

/** The values under the pointer, in a box that follows it. Plain nodes: it changes with every move. */
function showValues(chart: uPlot, { series, times, format }: ChartProps): void {
  const { idx, left = -1 } = chart.cursor;
  let tip = chart.over.querySelector<HTMLElement>('[data-tip]');
  if (tip === null) {
    tip = document.createElement('div');
    tip.dataset['tip'] = '';
    tip.className = css.tip;
    chart.over.append(tip);
  }
  tip.hidden = idx === null || idx === undefined || left < 0;
  if (idx === null || idx === undefined || left < 0) return;
  const lines = series
    .map(({ label, values }) => ({ label, value: values[idx] }))
    .filter(({ value }) => value !== null && value !== undefined)
    .map(({ label, value }) => `${label}  ${format(value!)}`);
  tip.textContent = [clockText(times[idx], 0), ...lines].join('\n');
  const isRight = left > chart.over.clientWidth / 2;
  tip.style.left = isRight ? '' : `${left + 12}px`;
  tip.style.right = isRight ? `${chart.over.clientWidth - left + 12}px` : '';
}

function withAlpha(color: string, alpha: number): string {
  return color.replace(/^rgb\((.*)\)$/, `rgba($1, ${alpha})`);
}
