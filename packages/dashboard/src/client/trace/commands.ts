import { announce } from '../app/announce.ts';
import type { KeyCommand } from '../app/keys.ts';
import { durationText } from '../../model/duration-text.ts';
import { endOf } from '../../model/trace.ts';
import { copyText } from '../ui/copy.ts';
import { t } from '../texts.ts';
import { TABS, type TraceView } from './view.ts';

/** What the page does beyond the view itself. */
export interface PageActions {
  readonly step: (what: 'match' | 'error', by: 1 | -1) => void;
  readonly toggleSkew: () => void;
}

const PAGE_ROWS = 20;

/** Every key of the trace page. */
export function traceCommands(view: TraceView, actions: PageActions): readonly KeyCommand[] {
  const { groups } = t.keys;
  const move = (run: () => void) => (event: KeyboardEvent) => {
    // Tabs, handles and panels have arrow keys of their own, and answer before.
    if (event.target instanceof Element && event.target.closest('[data-keys]') !== null) return;
    run();
  };
  const command = (keys: readonly string[], label: string, group: string, run: () => void): KeyCommand => ({
    keys,
    label,
    group,
    run: move(run),
  });
  return [
    command(['j', 'ArrowDown'], t.keys.down, groups.move, () => walk(view, 1)),
    command(['k', 'ArrowUp'], t.keys.up, groups.move, () => walk(view, -1)),
    command(['ArrowRight', 'l'], t.keys.right, groups.move, () => goRight(view)),
    command(['ArrowLeft'], t.keys.left, groups.move, () => goLeft(view)),
    command(['Home'], t.keys.first, groups.move, () => walkTo(view, 0)),
    command(['End'], t.keys.last, groups.move, () => walkTo(view, view.rows.value.count - 1)),
    command(['PageDown'], t.keys.pageDown, groups.move, () => walk(view, PAGE_ROWS)),
    command(['PageUp'], t.keys.pageUp, groups.move, () => walk(view, -PAGE_ROWS)),
    command(['Enter'], t.keys.enter, groups.move, () => (view.panelOpen.value = true)),
    command(['Escape'], t.keys.escape, groups.move, () => leave(view)),

    command(['/'], t.keys.find, groups.find, () => document.getElementById('find')?.focus()),
    command(['n'], t.keys.nextMatch, groups.find, () => actions.step('match', 1)),
    command(['N'], t.keys.previousMatch, groups.find, () => actions.step('match', -1)),
    command(['e'], t.keys.nextError, groups.find, () => actions.step('error', 1)),
    command(['E'], t.keys.previousError, groups.find, () => actions.step('error', -1)),
    command(['h'], t.keys.hide, groups.find, () => (view.hide.value = !view.hide.value)),

    command(['w'], t.keys.zoomIn, groups.time, () => view.zoomBy(0.7, placeOfSelected(view))),
    command(['s'], t.keys.zoomOut, groups.time, () => view.zoomBy(1 / 0.7, placeOfSelected(view))),
    command(['a'], t.keys.panLeft, groups.time, () => view.pan(-0.15)),
    command(['d'], t.keys.panRight, groups.time, () => view.pan(0.15)),
    command(['0'], t.keys.zoomReset, groups.time, () => view.resetZoom()),
    command(['x'], t.keys.zoomSpan, groups.time, () => zoomToSelected(view)),

    command(['c'], t.keys.path, groups.view, () => (view.showPath.value = !view.showPath.value)),
    command(['['], t.keys.lessLevels, groups.view, () => view.stepLevel(-1)),
    command([']'], t.keys.moreLevels, groups.view, () => view.stepLevel(1)),
    {
      keys: ['1', '2', '3', '4', '5', '6', '7', '8', '9'],
      label: t.keys.levels,
      group: groups.view,
      run: (event) => view.showLevels(Number(event.key)),
    },
    command(['*'], t.keys.allLevels, groups.view, () => view.showLevels(Infinity)),
    command(['f'], t.keys.focusSpan, groups.view, () => toggleFocus(view)),
    command(['r'], t.keys.group, groups.view, () => (view.groupRepeats.value = !view.groupRepeats.value)),
    command(['z'], t.keys.squeeze, groups.view, () => {
      if (view.opened.value.quiet.length === 0) return announce(t.tools.noSqueeze);
      view.squeeze.value = !view.squeeze.value;
      view.resetZoom();
    }),
    command(['K'], t.keys.skew, groups.view, actions.toggleSkew),
    {
      keys: TABS.map((_, at) => `v ${at + 1}`),
      label: t.keys.tabs,
      group: groups.view,
      run: (event) => (view.tab.value = TABS[Number(event.key) - 1]),
    },
    command(['y'], t.keys.copyLink, groups.view, () => void copyText(location.href)),
  ];
}

function walk(view: TraceView, by: number): void {
  const { count } = view.rows.value;
  if (count === 0) return;
  const selected = view.selected.value;
  const row = selected < 0 ? -1 : view.rowOfNode.value[selected];
  const from = row < 0 ? (by > 0 ? -1 : count) : row;
  walkTo(view, Math.min(count - 1, Math.max(0, from + by)), by > 0 ? 1 : -1);
}

/** Selects the span at a row. Rows of groups have no span: the next one that has takes their place. */
function walkTo(view: TraceView, row: number, direction: 1 | -1 = 1): void {
  const { node, count } = view.rows.value;
  for (let at = row; at >= 0 && at < count; at += direction) {
    if (node[at] < 0) {
      const group = -1 - node[at];
      if (view.openGroups.value[group] === 1) continue;
      const first = view.grouping.value?.first[group];
      // Walking onto a closed group opens it: there is no other way in by the keyboard.
      if (first !== undefined) return view.select(first);
      continue;
    }
    return view.select(node[at]);
  }
}

function goRight(view: TraceView): void {
  const node = view.selected.value;
  if (node < 0) return walk(view, 1);
  if (view.trace.value.size[node] === 1) return;
  if (view.collapsed.value[node] === 1) view.setCollapsed(node, false);
  else walk(view, 1);
}

function goLeft(view: TraceView): void {
  const node = view.selected.value;
  if (node < 0) return;
  const { size, parent } = view.trace.value;
  if (size[node] > 1 && view.collapsed.value[node] === 0) view.setCollapsed(node, true);
  else if (parent[node] >= 0 && node !== view.focus.value) view.select(parent[node]);
}

function leave(view: TraceView): void {
  if (view.panelOpen.value && view.selected.value >= 0) view.panelOpen.value = false;
  else if (view.focus.value !== undefined) view.setFocus(undefined);
  else if (view.query.value !== '') view.query.value = '';
  else if (view.isZoomed) view.resetZoom();
}

function toggleFocus(view: TraceView): void {
  const node = view.selected.value;
  view.setFocus(node < 0 || view.focus.value === node ? undefined : node);
}

/** Where zooming by keys holds still: the selected span while it is in sight. */
function placeOfSelected(view: TraceView): number | undefined {
  const node = view.selected.value;
  if (node < 0) return undefined;
  const { from, to } = view.zoom.value;
  const place = view.scale.value.place((view.trace.value.start[node] + endOf(view.trace.value, node)) / 2);
  return place >= from && place <= to ? place : undefined;
}

function zoomToSelected(view: TraceView): void {
  const node = view.selected.value;
  if (node < 0) return;
  const trace = view.trace.value;
  const from = view.scale.value.place(trace.start[node]);
  const to = view.scale.value.place(endOf(trace, node));
  const margin = Math.max((to - from) * 0.05, view.scale.value.length * 1e-6);
  view.setZoom(from - margin, to + margin);
}

/** Says the selected span to a screen reader whose focus is elsewhere. */
export function describe(view: TraceView, node: number): string {
  const trace = view.trace.value;
  const resource = trace.row[node] < 0 ? t.waterfall.missing : view.text(trace.resource[node]);
  return `${resource}, ${view.text(trace.service[node])}, ${durationText(trace.duration[node])}`;
}
