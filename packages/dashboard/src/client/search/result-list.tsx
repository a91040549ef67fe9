import type { Signal } from '@preact/signals';
import type { JSX } from 'preact';
import type { SummaryJson } from '@forge/query';
import { agoText, clockText, countText, dateText, durationText, exactDurationText } from '../../model/duration-text.ts';
import { assignColors, colorOfService } from '../../model/service-colors.ts';
import { hrefOf } from '../app/location.ts';
import { Icon } from '../ui/icons.tsx';
import { KEPT_SHORT, t } from '../texts.ts';
import css from './result-list.module.css';

interface ResultListProps {
  readonly traces: readonly SummaryJson[];
  /** Ids chosen for comparing, at most two. */
  readonly chosen: Signal<readonly string[]>;
  /** Row that the keyboard is at, or -1. */
  readonly cursor: number;
  readonly nowUnixUs: number;
  readonly highlight?: ReadonlySet<string>;
}

/** Traces as a table of one line each; the whole line is a link. */
export function ResultList({ traces, chosen, cursor, nowUnixUs, highlight }: ResultListProps): JSX.Element {
  const longest = Math.max(1, ...traces.map((trace) => trace.duration_us));
  const colors = assignColors(
    [...new Set(traces.flatMap((trace) => trace.services.map((one) => one.service_name)))].slice(0, 200),
  );
  const c = t.searchPage.columns;
  return (
    <table class={css.table}>
      <thead>
        <tr>
          <th class={css.choose}>
            <span class="visually-hidden">{t.compare}</span>
          </th>
          <th>{c.root}</th>
          <th class={css.durationHead}>{c.duration}</th>
          <th class={css.number}>{c.spans}</th>
          <th class={css.number}>{c.errors}</th>
          <th class={css.servicesHead}>{c.services}</th>
          <th>{c.kept}</th>
          <th class={css.number}>{c.started}</th>
        </tr>
      </thead>
      <tbody>
        {traces.map((trace, at) => (
          <Result
            key={trace.trace_id}
            trace={trace}
            share={trace.duration_us / longest}
            colors={colors}
            chosen={chosen}
            isCursor={at === cursor}
            isNew={highlight?.has(trace.trace_id) === true}
            nowUnixUs={nowUnixUs}
            index={at}
          />
        ))}
      </tbody>
    </table>
  );
}

const MAX_SERVICES = 3;

function Result(props: {
  trace: SummaryJson;
  share: number;
  colors: ReadonlyMap<string, number>;
  chosen: Signal<readonly string[]>;
  isCursor: boolean;
  isNew: boolean;
  nowUnixUs: number;
  index: number;
}): JSX.Element {
  const { trace, chosen } = props;
  const { root } = trace;
  const isChosen = chosen.value.includes(trace.trace_id);
  const color = (name: string): string => `var(--s${props.colors.get(name) ?? colorOfService(name)})`;
  const services = trace.services.toSorted((a, b) => b.spans - a.spans);
  return (
    <tr
      class={css.row}
      data-cursor={props.isCursor ? '' : undefined}
      data-new={props.isNew ? '' : undefined}
      data-index={props.index}
    >
      <td class={css.choose}>
        <input
          type="checkbox"
          aria-label={t.searchPage.select(root.resource)}
          checked={isChosen}
          onChange={() => (chosen.value = toggled(chosen.value, trace.trace_id))}
        />
      </td>
      <td class={css.rootCell}>
        <a class={css.root} href={hrefOf(`traces/${trace.trace_id}`)}>
          {trace.errors > 0 && (
            <span class={css.errorIcon}>
              <Icon name="error" size={13} />
            </span>
          )}
          <span class={css.service}>{root.service_name}</span>
          <bdi class={css.resource}>{root.resource}</bdi>
          {root.operation_name !== root.resource && <bdi class={css.operation}>{root.operation_name}</bdi>}
        </a>
      </td>
      <td
        class={css.duration}
        title={`${exactDurationText(trace.duration_us)}, ${t.searchPage.longest(trace.longest_match_us)}`}
      >
        <span
          class={css.bar}
          data-error={trace.errors > 0 ? '' : undefined}
          style={{ width: `${Math.max(1.5, props.share * 100)}%` }}
        />
        <span class={css.durationText}>{durationText(trace.duration_us)}</span>
      </td>
      <td class={css.number}>{countText(trace.spans)}</td>
      <td class={css.number} data-error={trace.errors > 0 ? '' : undefined}>
        {trace.errors > 0 ? countText(trace.errors) : <span class={css.muted}>0</span>}
      </td>
      <td class={css.services}>
        <span class={css.chips}>
          {services.slice(0, MAX_SERVICES).map(({ service_name: name, spans, errors }) => (
            <span
              key={name}
              class={css.chip}
              title={`${name}: ${t.spans(spans)}${errors > 0 ? `, ${t.errors(errors)}` : ''}`}
            >
              <i style={{ background: color(name) }} />
              <bdi>{name}</bdi>
            </span>
          ))}
          {services.length > MAX_SERVICES && (
            <span class={css.muted}>{t.searchPage.more(services.length - MAX_SERVICES)}</span>
          )}
        </span>
      </td>
      <td class={css.kept} title={t.trace.kept(trace.kept)}>
        {KEPT_SHORT[trace.kept] ?? trace.kept}
      </td>
      <td class={css.number} title={trace.start_time}>
        <span class={css.time}>{clockText(trace.start_us)}</span>
        <span class={css.ago}>{agoText(trace.start_us, props.nowUnixUs) || dateText(trace.start_us)}</span>
      </td>
    </tr>
  );
}

/** Adds or removes; of more than two, the one chosen first goes. */
export function toggled(chosen: readonly string[], traceId: string): readonly string[] {
  if (chosen.includes(traceId)) return chosen.filter((id) => id !== traceId);
  return [...chosen, traceId].slice(-2);
}
