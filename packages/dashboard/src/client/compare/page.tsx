import { useSignal } from '@preact/signals';
import { useEffect, useMemo } from 'preact/hooks';
import type { JSX } from 'preact';
import type { CompareRow } from '../../model/compare.ts';
import { durationText, exactDurationText } from '../../model/duration-text.ts';
import { assignColors } from '../../model/service-colors.ts';
import { idText } from '../../model/span-table.ts';
import type { Trace } from '../../model/trace.ts';
import { go, hrefOf, place } from '../app/location.ts';
import { callTraceWorker } from '../app/trace-worker.ts';
import { storedTrace } from '../trace/source.ts';
import { serviceColor } from '../trace/waterfall.tsx';
import { Button, Pill } from '../ui/button.tsx';
import { Field, Input } from '../ui/field.tsx';
import { Icon } from '../ui/icons.tsx';
import { Empty, Failure, Loading } from '../ui/states.tsx';
import { VirtualList } from '../ui/virtual-list.tsx';
import { listKeys } from '../trace/span-list.tsx';
import { t } from '../texts.ts';
import css from './page.module.css';

interface Comparison {
  readonly left: Trace;
  readonly right: Trace;
  readonly rows: readonly CompareRow[];
}

type State = { readonly comparison: Comparison } | { readonly error: unknown } | undefined;

/** Two traces merged into one tree: what is slower, faster, new or gone. */
export function ComparePage(): JSX.Element {
  const { params } = place.value;
  const [a, b] = [params.get('a') ?? '', params.get('b') ?? ''];
  const state = useSignal<State>(undefined);
  const attempt = useSignal(0);
  useEffect(() => {
    state.value = undefined;
    if (a === '' || b === '') return undefined;
    let isCurrent = true;
    compare(a, b).then(
      (comparison) => {
        if (isCurrent) state.value = { comparison };
      },
      (error: unknown) => {
        if (isCurrent) state.value = { error };
      },
    );
    return () => (isCurrent = false);
  }, [a, b, attempt.value]);
  const current = state.value;
  return (
    <div class={css.page}>
      <IdForm key={`${a} ${b}`} a={a} b={b} />
      {a === '' || b === '' ? (
        <Empty icon="compare" title={t.comparePage.title} tries={[t.comparePage.pick]}>
          <a href={hrefOf('search')}>{t.search}</a>
        </Empty>
      ) : current === undefined ? (
        <Loading />
      ) : 'error' in current ? (
        <Failure error={current.error} onRetry={() => attempt.value++} />
      ) : (
        <Rows comparison={current.comparison} />
      )}
    </div>
  );
}

async function compare(a: string, b: string): Promise<Comparison> {
  const [left, right] = [storedTrace(a), storedTrace(b)];
  const [openedLeft, openedRight] = await Promise.all([left.open(), right.open()]);
  const rows = await callTraceWorker('compare', { left: left.key, right: right.key });
  return { left: openedLeft.trace, right: openedRight.trace, rows };
}

function IdForm({ a, b }: { a: string; b: string }): JSX.Element {
  const onSubmit = (event: SubmitEvent): void => {
    event.preventDefault();
    const data = new FormData(event.currentTarget as HTMLFormElement);
    const id = (name: string): string => {
      const value = data.get(name);
      return typeof value === 'string' ? value.trim().toLowerCase() : '';
    };
    go(hrefOf('compare', { a: id('a'), b: id('b') }));
  };
  return (
    <form class={css.form} onSubmit={onSubmit}>
      <h1 class={css.title}>{t.comparePage.title}</h1>
      <Field label={t.comparePage.left}>
        <Input name="a" value={a} label={t.comparePage.leftLabel} placeholder={t.comparePage.leftLabel} isMono />
      </Field>
      <Button icon="compare" label={t.comparePage.swap} onClick={() => go(hrefOf('compare', { a: b, b: a }))} />
      <Field label={t.comparePage.right}>
        <Input name="b" value={b} label={t.comparePage.rightLabel} placeholder={t.comparePage.rightLabel} isMono />
      </Field>
      <Button kind="primary" type="submit">
        {t.comparePage.submit}
      </Button>
    </form>
  );
}

/** Smaller differences of a place are noise. */
const SAME_SHARE = 0.1;
const SAME_US = 500;

function differs({ left, right }: CompareRow): boolean {
  if (left.spans !== right.spans || left.errors !== right.errors) return true;
  const delta = Math.abs(right.totalUs - left.totalUs);
  return delta > SAME_US && delta > left.totalUs * SAME_SHARE;
}

const ROW_PX = 26;

function Rows({ comparison }: { comparison: Comparison }): JSX.Element {
  const { left, right, rows } = comparison;
  const onlyDifferent = useSignal(false);
  const collapsed = useSignal<ReadonlySet<number>>(new Set());
  const cursor = useSignal(0);
  const shown = useMemo(
    () => visibleRows(rows, onlyDifferent.value, collapsed.value),
    [rows, onlyDifferent.value, collapsed.value],
  );
  const colors = useMemo(() => assignColors([...new Set(rows.map(({ service }) => service))]), [rows]);
  const most = Math.max(1, ...rows.slice(0, 2000).map((row) => Math.abs(row.right.totalUs - row.left.totalUs)));
  const [leftUs, rightUs] = [left.endUs - left.startUs, right.endUs - right.startUs];
  const delta = rightUs - leftUs;
  const toggle = (at: number): void => {
    const next = new Set(collapsed.value);
    if (!next.delete(at)) next.add(at);
    collapsed.value = next;
  };
  const different = rows.filter(differs).length;
  const onKeyDown = (event: KeyboardEvent): void => {
    const at = shown[cursor.value];
    if (event.key === 'ArrowLeft' || event.key === 'ArrowRight') {
      const isOpen = !collapsed.value.has(at);
      if (rows[at].size > 1 && isOpen === (event.key === 'ArrowLeft')) toggle(at);
      event.preventDefault();
    } else if (event.key === 'Enter') go(spanLink(comparison, rows[at]));
    else listKeys(event, cursor.value, shown.length, (index) => (cursor.value = index));
  };
  return (
    <>
      <div class={css.bar}>
        <span class={css.total}>
          {t.comparePage.left} <strong>{durationText(leftUs)}</strong> {t.spans(left.spans)}
        </span>
        <span class={css.total}>
          {t.comparePage.right} <strong>{durationText(rightUs)}</strong> {t.spans(right.spans)}
        </span>
        <span class={css.delta} data-tone={toneOf(delta)}>
          {different === 0 ? t.comparePage.noDifference : `${signed(delta)} · ${t.comparePage.differ(different)}`}
        </span>
        <Pill pressed={onlyDifferent.value} onClick={() => (onlyDifferent.value = !onlyDifferent.value)}>
          {t.comparePage.onlyDifferent}
        </Pill>
      </div>
      {shown.length === 0 ? (
        <Empty icon="check" title={t.comparePage.noDifference} />
      ) : (
        <VirtualList
          class={css.table}
          role="treegrid"
          label={t.comparePage.label}
          count={shown.length}
          rowPx={ROW_PX}
          columns={5}
          reveal={cursor.value}
          onKeyDown={onKeyDown}
          head={
            <div class={css.head} role="row" aria-rowindex={1} data-head="">
              <span role="columnheader">{t.comparePage.span}</span>
              <span role="columnheader" class={css.number}>
                {t.comparePage.count}
              </span>
              <span role="columnheader" class={css.number}>
                {t.comparePage.left}
              </span>
              <span role="columnheader" class={css.number}>
                {t.comparePage.right}
              </span>
              <span role="columnheader">{t.comparePage.difference}</span>
            </div>
          }
          row={(index) => (
            <CompareLine
              key={shown[index]}
              comparison={comparison}
              at={shown[index]}
              index={index}
              most={most}
              color={serviceColor(rows[shown[index]].service, colors)}
              isOpen={!collapsed.value.has(shown[index])}
              isCursor={index === cursor.value}
              onToggle={() => toggle(shown[index])}
            />
          )}
        />
      )}
    </>
  );
}

/** Positions of the rows to show: what differs with all above it, less what is collapsed. */
function visibleRows(rows: readonly CompareRow[], onlyDifferent: boolean, collapsed: ReadonlySet<number>): number[] {
  const keep = new Uint8Array(rows.length);
  if (onlyDifferent) {
    const above: number[] = [];
    for (const [at, row] of rows.entries()) {
      above.length = row.depth;
      above.push(at);
      if (differs(row)) for (const one of above) keep[one] = 1;
    }
  } else keep.fill(1);
  const shown: number[] = [];
  for (let at = 0; at < rows.length; at += collapsed.has(at) ? rows[at].size : 1) if (keep[at] === 1) shown.push(at);
  return shown;
}

interface LineProps {
  readonly comparison: Comparison;
  readonly at: number;
  readonly index: number;
  readonly most: number;
  readonly color: string;
  readonly isOpen: boolean;
  readonly isCursor: boolean;
  readonly onToggle: () => void;
}

function CompareLine(props: LineProps): JSX.Element {
  const { comparison, at, index } = props;
  const row = comparison.rows[at];
  const { left, right } = row;
  const delta = right.totalUs - left.totalUs;
  const isChanged = differs(row);
  const onlyOne = left.spans === 0 ? t.comparePage.onlyRight : right.spans === 0 ? t.comparePage.onlyLeft : undefined;
  const share = Math.min(1, Math.abs(delta) / props.most);
  return (
    <div
      class={css.row}
      role="row"
      aria-rowindex={index + 2}
      aria-level={row.depth + 1}
      aria-expanded={row.size > 1 ? props.isOpen : undefined}
      data-cursor={props.isCursor ? '' : undefined}
      data-same={isChanged ? undefined : ''}
      style={{ transform: `translateY(${index * ROW_PX}px)` }}
    >
      <span class={css.name} role="gridcell" style={{ paddingLeft: `${Math.min(row.depth, 24) * 14}px` }}>
        <button
          type="button"
          class={css.toggle}
          tabIndex={-1}
          aria-label={row.resource}
          data-open={props.isOpen ? '' : undefined}
          disabled={row.size === 1}
          onClick={props.onToggle}
        >
          {row.size > 1 && <Icon name="chevronRight" size={12} />}
        </button>
        <i class={css.swatch} style={{ background: props.color }} />
        <a class={css.link} href={spanLink(comparison, row)} tabIndex={-1}>
          <span class={css.service}>{row.service}</span>
          <bdi class={css.resource}>{row.resource === '' ? t.waterfall.missing : row.resource}</bdi>
        </a>
        {onlyOne !== undefined && (
          <span class={css.badge} data-tone={left.spans === 0 ? 'new' : 'gone'}>
            {onlyOne}
          </span>
        )}
      </span>
      <span class={css.number} role="gridcell">
        {left.spans === right.spans ? left.spans : `${left.spans} → ${right.spans}`}
      </span>
      <span class={css.number} role="gridcell" title={exactDurationText(left.totalUs)}>
        {left.spans > 0 && durationText(left.totalUs)}
        {left.errors > 0 && <ErrorMark count={left.errors} />}
      </span>
      <span class={css.number} role="gridcell" title={exactDurationText(right.totalUs)}>
        {right.spans > 0 && durationText(right.totalUs)}
        {right.errors > 0 && <ErrorMark count={right.errors} />}
      </span>
      <span class={css.difference} role="gridcell" data-tone={isChanged ? toneOf(delta) : undefined}>
        <span class={css.track} aria-hidden="true">
          <i style={{ width: `${share * 50}%`, left: delta < 0 ? `${50 - share * 50}%` : '50%' }} />
        </span>
        <span class={css.deltaText}>{isChanged ? signed(delta) : t.comparePage.same}</span>
      </span>
    </div>
  );
}

function ErrorMark({ count }: { count: number }): JSX.Element {
  return (
    <span class={css.error} title={t.errors(count)}>
      <Icon name="error" size={12} />
      <span class="visually-hidden">{t.errors(count)}</span>
    </span>
  );
}

function spanLink({ left, right }: Comparison, row: CompareRow): string {
  const [trace, node] = row.right.node >= 0 ? [right, row.right.node] : [left, row.left.node];
  return hrefOf(`traces/${trace.traceId}`, { span: idText(trace.ids, node) });
}

function toneOf(deltaUs: number): 'slower' | 'faster' {
  return deltaUs > 0 ? 'slower' : 'faster';
}

function signed(us: number): string {
  return us > 0 ? `+${durationText(us)}` : durationText(us);
}
