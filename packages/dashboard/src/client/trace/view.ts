import { batch, computed, signal, type ReadonlySignal, type Signal } from '@preact/signals';
import type { OpenedTrace } from '../../worker/calls.ts';
import { criticalPath, type CriticalPath } from '../../model/critical-path.ts';
import type { Grouping } from '../../model/repeats.ts';
import { buildRows, collapseToLevel, reveal, withAncestors, type Rows } from '../../model/rows.ts';
import { filterByPills, nodesOf, parseSearch, search, type Pills } from '../../model/search.ts';
import { idText, STATUS_ERROR } from '../../model/span-table.ts';
import { TimeScale } from '../../model/time-scale.ts';
import type { Trace } from '../../model/trace.ts';
import type { TraceSource } from './source.ts';

export const TABS = ['waterfall', 'flame', 'spans', 'map', 'logs'] as const;
export type Tab = (typeof TABS)[number];

/** A part of the axis, in places of the time scale. */
export interface Zoom {
  readonly from: number;
  readonly to: number;
}

/** How far one may zoom in, microseconds across the whole view. */
const MIN_ZOOM_US = 0.05;

/** Everything that the trace page shows, and what changes it. Nodes are those of `trace`. */
export class TraceView {
  readonly source: TraceSource;
  readonly opened: Signal<OpenedTrace>;
  readonly trace: ReadonlySignal<Trace>;

  readonly tab = signal<Tab>('waterfall');
  /** -1 for none. */
  readonly selected = signal(-1);
  readonly panelOpen = signal(true);
  readonly collapsed: Signal<Uint8Array>;
  readonly focus = signal<number | undefined>(undefined);
  readonly query = signal('');
  /** Rows that hold the `tag:` words of the query, once known. */
  readonly tagRows = signal<ReadonlySet<number> | undefined>(undefined);
  readonly onlyErrors = signal(false);
  readonly onlyPath = signal(false);
  readonly onlySlow = signal(false);
  /** Positions in the trace's strings. */
  readonly onlyServices = signal<readonly number[]>([]);
  /** Whether what does not match is hidden; else it is dimmed. */
  readonly hide = signal(false);
  readonly showPath = signal(true);
  readonly squeeze = signal(false);
  readonly groupRepeats = signal(false);
  /** Once the worker has found the repeats. */
  readonly grouping = signal<Grouping | undefined>(undefined);
  readonly openGroups = signal<Uint8Array>(new Uint8Array(0));
  readonly zoom = signal<Zoom>({ from: 0, to: 1 });

  readonly path: ReadonlySignal<CriticalPath>;
  readonly scale: ReadonlySignal<TimeScale>;
  /** What the search found; undefined while nothing is searched. */
  readonly found: ReadonlySignal<Uint8Array | undefined>;
  readonly foundNodes: ReadonlySignal<Int32Array>;
  /** What search and pills let through together; undefined while there are none. */
  readonly lit: ReadonlySignal<Uint8Array | undefined>;
  readonly litCount: ReadonlySignal<number>;
  readonly errorNodes: ReadonlySignal<Int32Array>;
  readonly rows: ReadonlySignal<Rows>;
  /** The row of each node, -1 where it is not shown. */
  readonly rowOfNode: ReadonlySignal<Int32Array>;

  constructor(source: TraceSource, opened: OpenedTrace) {
    this.source = source;
    this.opened = signal(opened);
    this.trace = computed(() => this.opened.value.trace);
    this.collapsed = signal(new Uint8Array(opened.trace.count));
    this.path = computed(() => {
      const { trace, path } = this.opened.value;
      return this.focus.value === undefined ? path : criticalPath(trace, this.focus.value);
    });
    this.scale = computed(() => {
      const { trace, quiet } = this.opened.value;
      const focus = this.focus.value;
      if (focus !== undefined) return new TimeScale(trace.subtreeStart[focus], trace.subtreeEnd[focus]);
      return new TimeScale(trace.startUs, trace.endUs, this.squeeze.value ? quiet : []);
    });
    this.found = computed(() => {
      const terms = parseSearch(this.query.value);
      return terms.length === 0 ? undefined : search(this.trace.value, terms, this.tagRows.value);
    });
    this.foundNodes = computed(() => (this.found.value === undefined ? NO_NODES : nodesOf(this.found.value)));
    const pills = computed<Pills>(() => ({
      errors: this.onlyErrors.value,
      criticalPath: this.onlyPath.value,
      slowUs: this.onlySlow.value ? this.opened.value.slowUs : undefined,
      services: this.onlyServices.value,
    }));
    this.lit = computed(() => {
      const byPills = filterByPills(this.trace.value, pills.value, this.path.value.onPath);
      const found = this.found.value;
      if (byPills === undefined || found === undefined) return byPills ?? found;
      return byPills.map((match, node) => match & found[node]);
    });
    this.litCount = computed(() => this.lit.value?.reduce((sum, match) => sum + match, 0) ?? this.trace.value.count);
    this.errorNodes = computed(() =>
      nodesOf(Uint8Array.from(this.trace.value.status, (status) => (status === STATUS_ERROR ? 1 : 0))),
    );
    this.rows = computed(() => {
      const trace = this.trace.value;
      const lit = this.hide.value ? this.lit.value : undefined;
      return buildRows(trace, {
        collapsed: this.collapsed.value,
        shown: lit === undefined ? undefined : withAncestors(trace, lit),
        focus: this.focus.value,
        grouping: this.grouping.value,
        openGroups: this.openGroups.value,
      });
    });
    this.rowOfNode = computed(() => {
      const { node, count } = this.rows.value;
      const rowOfNode = new Int32Array(this.trace.value.count).fill(-1);
      for (let row = 0; row < count; row++) if (node[row] >= 0) rowOfNode[node[row]] = row;
      return rowOfNode;
    });
    this.resetZoom();
  }

  /** 16 hex digits, or undefined for none. */
  spanIdOf(node: number): string | undefined {
    return node < 0 ? undefined : idText(this.trace.value.ids, node);
  }

  /** The first node with this span id, or -1. */
  nodeOfSpanId(spanId: string): number {
    const { ids, count } = this.trace.value;
    const high = Number.parseInt(spanId.slice(0, 8), 16);
    const low = Number.parseInt(spanId.slice(8), 16);
    for (let node = 0; node < count; node++) if (ids[node * 2] === high && ids[node * 2 + 1] === low) return node;
    return -1;
  }

  text(at: number): string {
    return this.trace.value.strings[at] ?? '';
  }

  /** Selects a span and opens what hides it: collapsed parents, a closed group, another focus. */
  select(node: number, openPanel = false): void {
    batch(() => {
      this.selected.value = node;
      if (openPanel) this.panelOpen.value = true;
      if (node < 0) return;
      const focus = this.focus.value;
      const trace = this.trace.value;
      if (focus !== undefined && (node < focus || node >= focus + trace.size[focus])) this.focus.value = undefined;
      this.collapsed.value = reveal(trace, this.collapsed.value, node);
      this.#openGroupsAbove(node);
    });
  }

  #openGroupsAbove(node: number): void {
    const grouping = this.grouping.value;
    if (grouping === undefined) return;
    let open: Uint8Array | undefined;
    for (let at = node; at >= 0; at = this.trace.value.parent[at]) {
      const group = grouping.groupOf[at];
      if (group >= 0 && this.openGroups.value[group] !== 1) (open ??= this.openGroups.value.slice())[group] = 1;
    }
    if (open !== undefined) this.openGroups.value = open;
  }

  toggle(node: number): void {
    if (this.trace.value.size[node] === 1) return;
    const collapsed = this.collapsed.value.slice();
    collapsed[node] = collapsed[node] === 1 ? 0 : 1;
    this.collapsed.value = collapsed;
  }

  setCollapsed(node: number, value: boolean): void {
    if ((this.collapsed.value[node] === 1) !== value) this.toggle(node);
  }

  toggleGroup(group: number): void {
    const open = this.openGroups.value.slice();
    open[group] = open[group] === 1 ? 0 : 1;
    this.openGroups.value = open;
  }

  /** Collapses so that `levels` stay; Infinity opens all. The selection moves up to what stays visible. */
  showLevels(levels: number): void {
    const trace = this.trace.value;
    batch(() => {
      this.collapsed.value = Number.isFinite(levels)
        ? collapseToLevel(trace, levels, this.focus.value)
        : new Uint8Array(trace.count);
      this.#selectVisible();
    });
  }

  /** One level less, or one more, than is open now. */
  stepLevel(by: -1 | 1): void {
    const trace = this.trace.value;
    const { node, count, maxDepth } = this.rows.value;
    const collapsed = this.collapsed.value.slice();
    if (by < 0) {
      const { depth } = this.rows.value;
      for (let row = 0; row < count; row++)
        if (node[row] >= 0 && depth[row] === maxDepth - 1 && trace.size[node[row]] > 1) collapsed[node[row]] = 1;
    } else {
      let shallowest = Infinity;
      for (let row = 0; row < count; row++)
        if (node[row] >= 0 && collapsed[node[row]] === 1) shallowest = Math.min(shallowest, trace.depth[node[row]]);
      for (let row = 0; row < count; row++)
        if (node[row] >= 0 && trace.depth[node[row]] === shallowest) collapsed[node[row]] = 0;
    }
    batch(() => {
      this.collapsed.value = collapsed;
      this.#selectVisible();
    });
  }

  #selectVisible(): void {
    let node = this.selected.value;
    while (node >= 0 && this.rowOfNode.value[node] < 0) node = this.trace.value.parent[node];
    if (this.selected.value >= 0 && node >= 0) this.selected.value = node;
  }

  setFocus(node: number | undefined): void {
    batch(() => {
      this.focus.value = node === undefined || node < 0 ? undefined : node;
      this.resetZoom();
    });
  }

  resetZoom(): void {
    this.zoom.value = { from: 0, to: Math.max(this.scale.value.length, MIN_ZOOM_US) };
  }

  get isZoomed(): boolean {
    const { from, to } = this.zoom.value;
    return from > 0 || to < this.scale.value.length;
  }

  /** Shows this part of the axis, kept within it and not too small. */
  setZoom(from: number, to: number): void {
    const length = Math.max(this.scale.value.length, MIN_ZOOM_US);
    const width = Math.min(length, Math.max(MIN_ZOOM_US, to - from));
    const start = Math.min(Math.max(0, from), length - width);
    this.zoom.value = { from: start, to: start + width };
  }

  /** Zooms by a factor about a place; below 1 goes in. */
  zoomBy(factor: number, about?: number): void {
    const { from, to } = this.zoom.value;
    const place = about ?? (from + to) / 2;
    this.setZoom(place - (place - from) * factor, place + (to - place) * factor);
  }

  /** Moves by a share of what is shown. */
  pan(share: number): void {
    const { from, to } = this.zoom.value;
    const by = (to - from) * share;
    const length = Math.max(this.scale.value.length, MIN_ZOOM_US);
    const start = Math.min(Math.max(0, from + by), length - (to - from));
    this.zoom.value = { from: start, to: start + (to - from) };
  }

  /** The next or previous of rising `nodes` from the selection on, around the ends; -1 where there are none. */
  step(nodes: Int32Array, by: 1 | -1): number {
    if (nodes.length === 0) return -1;
    const at = this.selected.value;
    let next = lowerBound(nodes, by > 0 ? at + 1 : at);
    if (by < 0) next--;
    return nodes[(next + nodes.length) % nodes.length];
  }

  /** Takes the same trace arranged anew, or grown, and keeps what is open and selected. */
  replace(opened: OpenedTrace): void {
    const before = this.trace.value;
    const after = opened.trace;
    const nodeOfId = new Map<string, number>();
    for (let node = 0; node < after.count; node++) nodeOfId.set(keyOf(after, node), node);
    const move = (node: number): number => (node < 0 ? -1 : (nodeOfId.get(keyOf(before, node)) ?? -1));
    const collapsed = new Uint8Array(after.count);
    for (let node = 0; node < before.count; node++) {
      const moved = this.collapsed.value[node] === 1 ? move(node) : -1;
      if (moved >= 0) collapsed[moved] = 1;
    }
    const wasZoomed = this.isZoomed;
    batch(() => {
      const services = this.onlyServices.value.map((at) => after.strings.indexOf(before.strings[at]));
      const selected = move(this.selected.value);
      const focus = move(this.focus.value ?? -1);
      this.grouping.value = undefined;
      this.opened.value = opened;
      this.collapsed.value = collapsed;
      this.selected.value = selected;
      this.focus.value = focus < 0 ? undefined : focus;
      this.onlyServices.value = services.filter((at) => at >= 0);
      if (!wasZoomed) this.resetZoom();
    });
  }
}

const NO_NODES = new Int32Array(0);

function keyOf(trace: Trace, node: number): string {
  return `${trace.ids[node * 2]},${trace.ids[node * 2 + 1]},${trace.kind[node]}`;
}

/** The first position in a rising array whose value is at least `value`. */
function lowerBound(rising: Int32Array, value: number): number {
  let low = 0;
  let high = rising.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (rising[middle] < value) low = middle + 1;
    else high = middle;
  }
  return low;
}
