import { criticalPath } from './critical-path.ts';
import { buildTree, walkTree, type TreeNode } from './trace-tree.ts';
import type { TraceJson } from '@forge/query';

/** What of a trace is shown. */
export interface RowOptions {
  /** Takes runs of equal spans without children together as one row. */
  readonly collapse?: boolean;
  /** Shows failed spans and what leads to them only. */
  readonly onlyErrors?: boolean;
  /** Shows spans that the whole trace waited for only, and marks when. */
  readonly criticalPath?: boolean;
  /** Levels shown below the roots. */
  readonly maxDepth?: number;
}

/** One line of a waterfall. */
export interface WaterfallRow {
  readonly node: TreeNode;
  /** How many equal spans it stands for; their bars reach from the first start to the last end. */
  readonly count: number;
  readonly startUs: number;
  readonly endUs: number;
  readonly errors: number;
  /** Time that the trace waited for this span itself; undefined where that was not asked for. */
  readonly criticalUs: number | undefined;
  /** Spans below it that are not shown. */
  readonly hidden: number;
  /** The lines of the tree before the name. */
  readonly branch: string;
}

const MIN_RUN = 3;

export function waterfallRows(trace: TraceJson, options: RowOptions): WaterfallRow[] {
  const roots = buildTree(trace.spans);
  const criticalUs = options.criticalPath === true ? criticalTimes(roots) : undefined;
  const shown = shownNodes(roots, options, criticalUs);
  const rows: WaterfallRow[] = [];
  const open: { row: Omit<WaterfallRow, 'branch'>; lead: string; isRoot: boolean; isLast: boolean }[] = [];
  const push = (nodes: readonly TreeNode[], lead: string, isRoot: boolean): void => {
    const kept = nodes.filter((node) => shown === undefined || shown.has(node));
    const grouped = options.collapse === true ? groupRuns(kept) : kept.map((node) => [node]);
    for (let i = grouped.length - 1; i >= 0; i--)
      open.push({ row: rowOf(grouped[i], criticalUs, options, shown), lead, isRoot, isLast: i === grouped.length - 1 });
  };
  push(roots, '', true);
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const { row, lead, isRoot, isLast } = next;
    rows.push({ ...row, branch: isRoot ? '' : lead + (isLast ? '└─ ' : '├─ ') });
    if (isCut(row.node, options)) continue;
    push(row.node.children, isRoot ? '' : lead + (isLast ? '   ' : '│  '), false);
  }
  return rows;
}

function isCut(node: TreeNode, options: RowOptions): boolean {
  return options.maxDepth !== undefined && node.depth >= options.maxDepth;
}

function rowOf(
  nodes: readonly TreeNode[],
  criticalUs: ReadonlyMap<TreeNode, number> | undefined,
  options: RowOptions,
  shown: ReadonlySet<TreeNode> | undefined,
): Omit<WaterfallRow, 'branch'> {
  const node = nodes[0];
  const below = isCut(node, options) ? [...walkTree(node.children)] : [];
  return {
    node,
    count: nodes.length,
    startUs: node.span.start_us,
    endUs: nodes.reduce((end, { span }) => Math.max(end, span.start_us + span.duration_us), 0),
    errors: nodes.filter(({ span }) => span.status === 'error').length,
    criticalUs: criticalUs === undefined ? undefined : nodes.reduce((sum, one) => sum + (criticalUs.get(one) ?? 0), 0),
    hidden: below.filter((one) => shown === undefined || shown.has(one)).length,
  };
}

/** Adjacent leaves that differ in nothing but their times, from three on, as one. */
function groupRuns(nodes: readonly TreeNode[]): TreeNode[][] {
  const runs: TreeNode[][] = [];
  for (const node of nodes) {
    const run = runs.at(-1);
    if (run !== undefined && node.children.length === 0 && isAlike(run[0], node)) run.push(node);
    else runs.push([node]);
  }
  return runs.flatMap((run) => (run.length < MIN_RUN ? run.map((node) => [node]) : [run]));
}

function isAlike(a: TreeNode, b: TreeNode): boolean {
  return (
    a.children.length === 0 &&
    a.span.operation_name === b.span.operation_name &&
    a.span.resource === b.span.resource &&
    a.span.service_name === b.span.service_name &&
    a.span.status === b.span.status
  );
}

function criticalTimes(roots: readonly TreeNode[]): Map<TreeNode, number> {
  const times = new Map<TreeNode, number>();
  if (roots.length === 0) return times;
  for (const { node, startUs, endUs } of criticalPath(roots[0]))
    times.set(node, (times.get(node) ?? 0) + endUs - startUs);
  return times;
}

/** The spans asked for, with all their ancestors; undefined for all. */
function shownNodes(
  roots: readonly TreeNode[],
  options: RowOptions,
  criticalUs: ReadonlyMap<TreeNode, number> | undefined,
): Set<TreeNode> | undefined {
  if (options.onlyErrors !== true && criticalUs === undefined) return undefined;
  const shown = new Set<TreeNode>();
  for (const node of walkTree(roots)) {
    if (options.onlyErrors === true && node.span.status !== 'error') continue;
    if (criticalUs !== undefined && !criticalUs.has(node)) continue;
    for (let up: TreeNode | undefined = node; up !== undefined && !shown.has(up); up = up.parent) shown.add(up);
  }
  return shown;
}
