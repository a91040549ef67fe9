import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import type { JSX } from 'preact';
import type { TraceLogsJson } from '@forge/query';
import { clockText, durationText } from '../../model/duration-text.ts';
import { assignColors } from '../../model/service-colors.ts';
import { Pill } from '../ui/button.tsx';
import { Empty, Failure, Loading } from '../ui/states.tsx';
import { VirtualList } from '../ui/virtual-list.tsx';
import { t } from '../texts.ts';
import { LogLevel } from './log-level.tsx';
import { listKeys } from './span-list.tsx';
import type { TraceView } from './view.ts';
import { serviceColor } from './waterfall.tsx';
import css from './table.module.css';

type Logs = TraceLogsJson['logs'];

const ROW_PX = 26;
const MAX_LEVELS = 8;

/** Every log line of the trace by time, whichever span wrote it. */
export function LogList({ view }: { view: TraceView }): JSX.Element {
  const logs = useSignal<Logs | undefined>(undefined);
  const error = useSignal<unknown>(undefined);
  const attempt = useSignal(0);
  const filter = useSignal('');
  const level = useSignal<string | undefined>(undefined);
  const trace = view.trace.value;
  useEffect(() => {
    const abort = new AbortController();
    error.value = undefined;
    view.source.logs(abort.signal).then(
      (found) => void (abort.signal.aborted || (logs.value = found)),
      (reason: unknown) => void (abort.signal.aborted || (error.value = reason)),
    );
    return () => abort.abort();
  }, [trace, attempt.value]);
  if (error.value !== undefined) return <Failure error={error.value} onRetry={() => attempt.value++} />;
  if (logs.value === undefined) return <Loading />;
  if (logs.value.length === 0) return <Empty icon="logs" title={t.logs.none} tries={[t.logs.noneTry]} />;

  const levels = new Map<string, number>();
  for (const log of logs.value) levels.set(levelOf(log), (levels.get(levelOf(log)) ?? 0) + 1);
  const part = filter.value.toLowerCase();
  const lit = view.lit.value;
  const nodeOfRow = nodesByRow(view);
  const shown = logs.value.filter(
    (log) =>
      (level.value === undefined || levelOf(log) === level.value) &&
      (part === '' ||
        log.message.toLowerCase().includes(part) ||
        JSON.stringify(log.attributes).toLowerCase().includes(part)) &&
      (lit === undefined || lit[nodeOfRow[log.row]] === 1),
  );
  const colors = assignColors(trace.services.map(({ name }) => name));
  const selected = view.selected.value;
  const at = shown.findIndex((log) => nodeOfRow[log.row] === selected);
  const cursor = useCursor(at);
  return (
    <div class={css.list}>
      <div class={css.bar} role="search">
        <input
          type="search"
          class={css.field}
          aria-label={t.logs.filter}
          placeholder={t.logs.filter}
          value={filter.value}
          onInput={(event) => (filter.value = event.currentTarget.value)}
        />
        <Pill
          pressed={level.value === undefined}
          count={String(logs.value.length)}
          onClick={() => (level.value = undefined)}
        >
          {t.logs.all}
        </Pill>
        {[...levels].slice(0, MAX_LEVELS).map(([name, count]) => (
          <Pill key={name} pressed={level.value === name} count={String(count)} onClick={() => (level.value = name)}>
            {name}
          </Pill>
        ))}
      </div>
      {shown.length === 0 ? (
        <Empty icon="logs" title={t.logs.noMatch} />
      ) : (
        <VirtualList
          class={`${css.table} ${css.logs}`}
          role="grid"
          label={t.logs.label}
          count={shown.length}
          rowPx={ROW_PX}
          columns={5}
          reveal={cursor.value}
          onKeyDown={(event) =>
            listKeys(event, cursor.value, shown.length, (index) => {
              cursor.value = index;
              view.select(nodeOfRow[shown[index].row]);
            })
          }
          head={
            <div class={css.head} role="row" aria-rowindex={1} data-head="">
              <div role="columnheader" class={css.time}>
                {t.logs.time}
              </div>
              <div role="columnheader">{t.logs.level}</div>
              <div role="columnheader">{t.list.service}</div>
              <div role="columnheader">{t.logs.span}</div>
              <div role="columnheader">{t.logs.message}</div>
            </div>
          }
          row={(index) => {
            const log = shown[index];
            const node = nodeOfRow[log.row];
            const service = view.text(trace.service[node]);
            return (
              <div
                key={index}
                class={css.row}
                role="row"
                aria-rowindex={index + 2}
                aria-selected={node === selected}
                data-selected={node === selected ? '' : undefined}
                style={{ transform: `translateY(${index * ROW_PX}px)` }}
                onClick={() => {
                  cursor.value = index;
                  view.select(node, true);
                }}
              >
                <span role="gridcell" class={css.time} title={clockText(log.time_us, 6)}>
                  {durationText(log.time_us - trace.startUnixUs - trace.startUs)}
                </span>
                <span role="gridcell">
                  <LogLevel level={levelOf(log)} />
                </span>
                <span role="gridcell" class={css.service}>
                  <i class={css.swatch} style={{ background: serviceColor(service, colors) }} />
                  <bdi class={css.serviceName}>{service}</bdi>
                </span>
                <span role="gridcell" class={css.text} data-muted="">
                  <bdi>{view.text(trace.resource[node])}</bdi>
                </span>
                <span role="gridcell" class={css.message} title={log.message.slice(0, 2000)}>
                  <bdi>{log.message.slice(0, 500)}</bdi>
                </span>
              </div>
            );
          }}
        />
      )}
    </div>
  );
}

/** The line that the keyboard is at: follows the selected span, and steps among lines of one span. */
function useCursor(selectedAt: number): { value: number } {
  const cursor = useSignal(selectedAt);
  useEffect(() => {
    if (selectedAt >= 0 && cursor.value < 0) cursor.value = selectedAt;
  }, [selectedAt]);
  return cursor;
}

function levelOf(log: Logs[number]): string {
  return log.level ?? log.name;
}

function nodesByRow(view: TraceView): Int32Array {
  const { row, spans } = view.trace.value;
  const nodes = new Int32Array(spans);
  for (let node = 0; node < row.length; node++) if (row[node] >= 0) nodes[row[node]] = node;
  return nodes;
}
