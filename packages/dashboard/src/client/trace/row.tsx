import { memo } from '../ui/memo.ts';
import type { JSX } from 'preact';
import { durationText } from '../../model/duration-text.ts';
import { Flag, idText, STATUS_ERROR } from '../../model/span-table.ts';
import { Icon } from '../ui/icons.tsx';
import { t } from '../texts.ts';
import { GroupBar, SpanBar } from './span-bar.tsx';
import type { WaterfallLook } from './waterfall.tsx';
import css from './waterfall.module.css';

export const ROW_PX = 24;

interface RowProps {
  readonly look: WaterfallLook;
  /** Position from the top. */
  readonly row: number;
  /** A node, or `-1 - group`. */
  readonly what: number;
  readonly depth: number;
  readonly isSelected: boolean;
  readonly isTabStop: boolean;
}

/** One line of the waterfall. Drawn anew only when its own props change; zooming draws the bar alone. */
export const Row = memo(function Row(props: RowProps): JSX.Element {
  return props.what < 0 ? <GroupRow {...props} group={-1 - props.what} /> : <SpanRow {...props} node={props.what} />;
});

function SpanRow({ look, row, node, depth, isSelected, isTabStop }: RowProps & { node: number }): JSX.Element {
  const { view } = look;
  const trace = view.trace.value;
  const isMissing = (trace.flags[node] & Flag.missing) !== 0;
  const isError = trace.status[node] === STATUS_ERROR;
  const hasChildren = trace.size[node] > 1;
  const isCollapsed = view.collapsed.value[node] === 1;
  const lit = view.lit.value;
  const isDim = lit !== undefined && lit[node] === 0;
  const isFound = view.found.value?.[node] === 1;
  const resource = isMissing ? t.waterfall.missing : view.text(trace.resource[node]);
  const name = view.text(trace.name[node]);
  const service = view.text(trace.service[node]);
  const parent = trace.parent[node];
  const isNewService = !isMissing && (parent < 0 || trace.service[parent] !== trace.service[node]);
  const onPath = view.showPath.value && view.path.value.onPath[node] === 1;
  return (
    <div
      class={css.row}
      role="row"
      id={`row-${node}`}
      data-row={row}
      data-dim={isDim ? '' : undefined}
      data-selected={isSelected ? '' : undefined}
      tabIndex={isTabStop ? 0 : -1}
      aria-rowindex={row + 2}
      aria-level={depth + 1}
      aria-selected={isSelected}
      aria-expanded={hasChildren ? !isCollapsed : undefined}
      aria-label={t.waterfall.row({
        resource,
        name,
        service,
        duration: durationText(trace.duration[node]),
        offset: durationText(trace.start[node] - trace.startUs),
        error: isError,
        below: trace.errorsBelow[node],
        onPath,
        hidden: isCollapsed ? trace.size[node] - 1 : 0,
      })}
      style={{ top: `${row * ROW_PX}px`, '--c': look.colorOf(trace.service[node]) }}
    >
      <div class={css.tree} role="gridcell">
        <Indent look={look} depth={depth} />
        <Toggle isOpen={!isCollapsed} isShown={hasChildren} />
        <span class={css.name} data-found={isFound ? '' : undefined} data-missing={isMissing ? '' : undefined}>
          {isError && <ErrorIcon />}
          {isNewService && (
            <span class={css.service}>
              <bdi>{service === '' ? t.unnamed : service}</bdi>
            </span>
          )}
          <bdi class={css.resource}>{resource}</bdi>
          {isMissing ? (
            <span class={css.operation}>{t.waterfall.missingId(idText(trace.ids, node))}</span>
          ) : (
            name !== resource && <bdi class={css.operation}>{name}</bdi>
          )}
        </span>
        {(trace.flags[node] & Flag.cycle) !== 0 && (
          <span class={css.note} title={t.waterfall.cycle}>
            <Icon name="refresh" size={12} />
          </span>
        )}
        {isCollapsed && trace.errorsBelow[node] > 0 && (
          <span class={css.below} title={t.waterfall.errorBelow(trace.errorsBelow[node])}>
            <Icon name="errorBelow" size={12} />
            {trace.errorsBelow[node]}
          </span>
        )}
        {isCollapsed && <span class={css.count}>{trace.size[node] - 1}</span>}
      </div>
      <div class={css.time} role="gridcell">
        <SpanBar look={look} node={node} />
      </div>
    </div>
  );
}

function GroupRow({ look, row, group, depth, isSelected, isTabStop }: RowProps & { group: number }): JSX.Element {
  const { view } = look;
  const trace = view.trace.value;
  const grouping = view.grouping.value;
  if (grouping === undefined) return <div />;
  const node = grouping.first[group];
  const isOpen = view.openGroups.value[group] === 1;
  const resource = view.text(trace.resource[node]);
  const times = t.waterfall.repeats(grouping.members[group]);
  const total = t.waterfall.repeatsTotal(grouping.totalUs[group]);
  const errors = grouping.errors[group];
  return (
    <div
      class={css.row}
      role="row"
      id={`group-${group}`}
      data-row={row}
      data-group=""
      data-selected={isSelected ? '' : undefined}
      tabIndex={isTabStop ? 0 : -1}
      aria-rowindex={row + 2}
      aria-level={depth + 1}
      aria-expanded={isOpen}
      aria-label={`${resource}, ${times}, ${total}${errors > 0 ? `, ${t.errors(errors)}` : ''}`}
      style={{ top: `${row * ROW_PX}px`, '--c': look.colorOf(trace.service[node]) }}
    >
      <div class={css.tree} role="gridcell">
        <Indent look={look} depth={depth} />
        <Toggle isOpen={isOpen} isShown />
        <span class={css.name}>
          {errors > 0 && <ErrorIcon />}
          <span class={css.times}>× {grouping.members[group]}</span>
          <bdi class={css.resource}>{resource}</bdi>
          <span class={css.operation}>{total}</span>
        </span>
      </div>
      <div class={css.time} role="gridcell">
        <GroupBar look={look} group={group} />
      </div>
    </div>
  );
}

function ErrorIcon(): JSX.Element {
  return (
    <span class={css.errorIcon}>
      <Icon name="error" size={14} />
    </span>
  );
}

/** Guides of the levels above; deep down, only the levels that tell the rows in sight apart. */
function Indent({ look, depth }: { look: WaterfallLook; depth: number }): JSX.Element {
  const { base, stepPx } = look.indent.value;
  const width = Math.max(0, depth - base) * stepPx;
  return <span class={css.indent} style={{ width: `${width}px`, backgroundSize: `${stepPx}px 100%` }} />;
}

function Toggle({ isOpen, isShown }: { isOpen: boolean; isShown: boolean }): JSX.Element {
  return <span class={css.toggle} data-toggle={isShown ? (isOpen ? 'open' : 'closed') : undefined} />;
}
