import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import type { JSX } from 'preact';
import { durationText, exactDurationText } from '../../model/duration-text.ts';
import { assignColors } from '../../model/service-colors.ts';
import type { SpanGroup, SpanSort, SpanSortKey } from '../../model/span-list.ts';
import { STATUS_ERROR } from '../../model/span-table.ts';
import { announce } from '../app/announce.ts';
import { callTraceWorker } from '../app/trace-worker.ts';
import { Pill } from '../ui/button.tsx';
import { Icon } from '../ui/icons.tsx';
import { Loading } from '../ui/states.tsx';
import { VirtualList } from '../ui/virtual-list.tsx';
import { t } from '../texts.ts';
import type { TraceView } from './view.ts';
import { serviceColor } from './waterfall.tsx';
import css from './table.module.css';

const ROW_PX = 26;

/** All spans, or what does the same taken together, sorted by any column. Sorting runs in the worker. */
export function SpanList({ view }: { view: TraceView }): JSX.Element {
  const isGrouped = useSignal(false);
  return (
    <div class={css.list}>
      <div class={css.bar}>
        <Pill pressed={!isGrouped.value} onClick={() => (isGrouped.value = false)}>
          {t.list.single}
        </Pill>
        <Pill pressed={isGrouped.value} onClick={() => (isGrouped.value = true)}>
          {t.list.grouped}
        </Pill>
      </div>
      {isGrouped.value ? <Groups view={view} /> : <Singles view={view} />}
    </div>
  );
}

interface Column<Key extends string> {
  readonly key: Key;
  readonly label: string;
  readonly isNumber?: boolean;
}

const COLUMNS: readonly Column<SpanSortKey>[] = [
  { key: 'service', label: t.list.service },
  { key: 'resource', label: t.list.resource },
  { key: 'name', label: t.list.operation },
  { key: 'errors', label: t.list.status },
  { key: 'start', label: t.list.start, isNumber: true },
  { key: 'duration', label: t.list.duration, isNumber: true },
  { key: 'self', label: t.list.self, isNumber: true },
];

function Singles({ view }: { view: TraceView }): JSX.Element {
  const sort = useSignal<SpanSort>({ key: 'self', descending: true });
  const nodes = useSignal<Int32Array | undefined>(undefined);
  const trace = view.trace.value;
  const lit = view.lit.value;
  useEffect(() => {
    let isCurrent = true;
    void callTraceWorker('sort', { key: view.source.key, sort: sort.value, only: lit }).then((sorted) => {
      if (isCurrent) nodes.value = sorted;
    });
    return () => (isCurrent = false);
  }, [trace, lit, sort.value]);
  const sorted = nodes.value;
  if (sorted === undefined) return <Loading />;
  const colors = assignColors(trace.services.map(({ name }) => name));
  const selected = view.selected.value;
  const longest = view.opened.value.longestSelfUs;
  const select = (index: number): void => {
    if (index >= 0 && index < sorted.length) view.select(sorted[index]);
  };
  return (
    <VirtualList
      class={`${css.table} ${css.singles}`}
      role="grid"
      label={t.list.label}
      count={sorted.length}
      rowPx={ROW_PX}
      columns={COLUMNS.length}
      reveal={sorted.indexOf(selected)}
      onKeyDown={(event) => listKeys(event, sorted.indexOf(selected), sorted.length, select)}
      head={
        <Head
          columns={COLUMNS}
          sort={sort.value}
          onSort={(key) => {
            const descending = sort.value.key === key ? !sort.value.descending : !TEXT_KEYS.has(key);
            sort.value = { key, descending };
            announce(t.list.sortedBy(COLUMNS.find((column) => column.key === key)!.label, descending));
          }}
        />
      }
      row={(index) => {
        const node = sorted[index];
        const isError = trace.status[node] === STATUS_ERROR;
        return (
          <div
            key={node}
            class={css.row}
            role="row"
            aria-rowindex={index + 2}
            aria-selected={node === selected}
            data-selected={node === selected ? '' : undefined}
            style={{ transform: `translateY(${index * ROW_PX}px)` }}
            onClick={() => view.select(node, true)}
          >
            <Service name={view.text(trace.service[node])} colors={colors} />
            <span role="gridcell" class={css.text}>
              <bdi>{view.text(trace.resource[node])}</bdi>
            </span>
            <span role="gridcell" class={css.text} data-muted="">
              <bdi>{view.text(trace.name[node])}</bdi>
            </span>
            <span role="gridcell" class={css.status} data-error={isError ? '' : undefined}>
              {isError && <Icon name="error" size={12} />}
              {isError ? t.list.error : t.list.ok}
            </span>
            <Time us={trace.start[node] - trace.startUs} />
            <Time us={trace.duration[node]} />
            <Time us={trace.self[node]} share={longest === 0 ? 0 : trace.self[node] / longest} />
          </div>
        );
      }}
    />
  );
}

const TEXT_KEYS: ReadonlySet<SpanSortKey> = new Set(['service', 'name', 'resource', 'start']);

type GroupKey =
  | 'service'
  | 'resource'
  | 'name'
  | 'spans'
  | 'errors'
  | 'medianUs'
  | 'p95Us'
  | 'maxUs'
  | 'totalUs'
  | 'selfUs';

const GROUP_COLUMNS: readonly Column<GroupKey>[] = [
  { key: 'service', label: t.list.service },
  { key: 'resource', label: t.list.resource },
  { key: 'name', label: t.list.operation },
  { key: 'spans', label: t.list.count, isNumber: true },
  { key: 'errors', label: t.list.errors, isNumber: true },
  { key: 'medianUs', label: t.list.median, isNumber: true },
  { key: 'p95Us', label: t.list.p95, isNumber: true },
  { key: 'maxUs', label: t.list.max, isNumber: true },
  { key: 'totalUs', label: t.list.total, isNumber: true },
  { key: 'selfUs', label: t.list.self, isNumber: true },
];

function Groups({ view }: { view: TraceView }): JSX.Element {
  const sort = useSignal<{ key: GroupKey; descending: boolean }>({ key: 'selfUs', descending: true });
  const groups = useSignal<readonly SpanGroup[] | undefined>(undefined);
  const trace = view.trace.value;
  useEffect(() => {
    let isCurrent = true;
    void callTraceWorker('groups', { key: view.source.key }).then((found) => {
      if (isCurrent) groups.value = found;
    });
    return () => (isCurrent = false);
  }, [trace]);
  if (groups.value === undefined) return <Loading />;
  const colors = assignColors(trace.services.map(({ name }) => name));
  const { key, descending } = sort.value;
  const valueOf = (group: SpanGroup): string | number =>
    key === 'service' || key === 'resource' || key === 'name' ? view.text(group[key]).toLowerCase() : group[key];
  const sorted = groups.value.toSorted((a, b) => {
    const [x, y] = [valueOf(a), valueOf(b)];
    return (x < y ? -1 : x > y ? 1 : 0) * (descending ? -1 : 1);
  });
  const most = Math.max(1, ...sorted.slice(0, 1000).map(({ selfUs }) => selfUs));
  return (
    <VirtualList
      class={`${css.table} ${css.groups}`}
      role="grid"
      label={t.list.label}
      count={sorted.length}
      rowPx={ROW_PX}
      columns={GROUP_COLUMNS.length}
      head={
        <Head
          columns={GROUP_COLUMNS}
          sort={sort.value}
          onSort={(next) => {
            const isText = next === 'service' || next === 'resource' || next === 'name';
            sort.value = { key: next, descending: key === next ? !descending : !isText };
          }}
        />
      }
      row={(index) => {
        const group = sorted[index];
        return (
          <div
            key={group.longest}
            class={css.row}
            role="row"
            aria-rowindex={index + 2}
            style={{ transform: `translateY(${index * ROW_PX}px)` }}
            onClick={() => view.select(group.longest, true)}
          >
            <Service name={view.text(group.service)} colors={colors} />
            <span role="gridcell" class={css.text}>
              <bdi>{view.text(group.resource)}</bdi>
            </span>
            <span role="gridcell" class={css.text} data-muted="">
              <bdi>{view.text(group.name)}</bdi>
            </span>
            <span role="gridcell" class={css.number}>
              {group.spans}
            </span>
            <span role="gridcell" class={css.number} data-error={group.errors > 0 ? '' : undefined}>
              {group.errors}
            </span>
            <Time us={group.medianUs} />
            <Time us={group.p95Us} />
            <Time us={group.maxUs} />
            <Time us={group.totalUs} />
            <Time us={group.selfUs} share={group.selfUs / most} />
          </div>
        );
      }}
    />
  );
}

function Head<Key extends string>(props: {
  columns: readonly Column<Key>[];
  sort: { readonly key: string; readonly descending: boolean };
  onSort: (key: Key) => void;
}): JSX.Element {
  return (
    <div class={css.head} role="row" aria-rowindex={1} data-head="">
      {props.columns.map(({ key, label, isNumber }) => {
        const isSorted = props.sort.key === key;
        return (
          <div
            key={key}
            role="columnheader"
            class={css.column}
            data-number={isNumber === true ? '' : undefined}
            aria-sort={isSorted ? (props.sort.descending ? 'descending' : 'ascending') : 'none'}
          >
            <button type="button" class={css.sort} onClick={() => props.onSort(key)}>
              {label}
              {isSorted && <Icon name={props.sort.descending ? 'arrowDown' : 'arrowUp'} size={11} />}
            </button>
          </div>
        );
      })}
    </div>
  );
}

function Service({ name, colors }: { name: string; colors: ReadonlyMap<string, number> }): JSX.Element {
  return (
    <span role="gridcell" class={css.service}>
      <i class={css.swatch} style={{ background: serviceColor(name, colors) }} />
      <bdi class={css.serviceName}>{name}</bdi>
    </span>
  );
}

function Time({ us, share }: { us: number; share?: number }): JSX.Element {
  return (
    <span role="gridcell" class={css.number} title={exactDurationText(us)}>
      {share !== undefined && <i class={css.share} style={{ width: `${Math.min(1, share) * 44}px` }} />}
      <span>{durationText(us)}</span>
    </span>
  );
}

/** Arrow keys, Home, End and pages in a list whose selection is an index. */
export function listKeys(event: KeyboardEvent, index: number, count: number, select: (index: number) => void): void {
  const steps: Readonly<Record<string, number>> = {
    ArrowDown: index + 1,
    j: index + 1,
    ArrowUp: index - 1,
    k: index - 1,
    Home: 0,
    End: count - 1,
    PageDown: index + 15,
    PageUp: index - 15,
  };
  const to = steps[event.key];
  if (to === undefined || event.ctrlKey || event.metaKey || event.altKey) return;
  event.preventDefault();
  select(Math.min(count - 1, Math.max(0, to)));
}
