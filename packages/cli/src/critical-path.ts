import type { TreeNode } from './trace-tree.ts';

/** A stretch of time in which the whole waited for this very span. Unix microseconds. */
export interface CriticalSegment {
  readonly node: TreeNode;
  readonly startUs: number;
  readonly endUs: number;
}

/**
 * What a faster span would have made the trace faster: the chain of waiting, walked back from the root's end.
 *
 * ```text
 * root   |===...........======.......==|     = on the path
 * a        |==========|                      a's own end lets the root go on
 * b           |=====|                        ran beside a, ended before it: not waited for
 * c                     |===========|
 * ```
 *
 * At each span, the child that ended last before the current moment is entered; before its start, the last that
 * ended by then; in between the span itself was at work. A child outside its parent counts with the part inside;
 * one that nobody waited for (a job that runs later, a consumer) is no part of it.
 * The segments are in order of time, none overlap, and together they last as long as the root.
 */
export function criticalPath(root: TreeNode): CriticalSegment[] {
  const segments: CriticalSegment[] = [];
  const open: Frame[] = [frame(root, root.span.start_us, endOf(root))];
  while (open.length > 0) {
    const top = open[open.length - 1];
    const child = nextChild(top);
    if (child === undefined) {
      if (top.fromUs < top.atUs) segments.push({ node: top.node, startUs: top.fromUs, endUs: top.atUs });
      open.pop();
      continue;
    }
    const startUs = Math.max(child.span.start_us, top.fromUs);
    const endUs = Math.min(endOf(child), top.untilUs);
    if (endUs < top.atUs) segments.push({ node: top.node, startUs: endUs, endUs: top.atUs });
    top.atUs = startUs;
    open.push(frame(child, startUs, endUs));
  }
  return segments.reverse();
}

interface Frame {
  readonly node: TreeNode;
  readonly fromUs: number;
  readonly untilUs: number;
  /** What comes after is done. */
  atUs: number;
  /** Children that were waited for, the latest end last. */
  readonly waiting: TreeNode[];
}

function frame(node: TreeNode, fromUs: number, untilUs: number): Frame {
  const waiting = node.children.filter((child) => isWaitedFor(child, fromUs, untilUs));
  // Of two with one end, the one that started later is looked at first: the earlier may then come before it.
  waiting.sort(
    (a, b) => Math.min(endOf(a), untilUs) - Math.min(endOf(b), untilUs) || a.span.start_us - b.span.start_us,
  );
  return { node, fromUs, untilUs, atUs: untilUs, waiting };
}

function nextChild(top: Frame): TreeNode | undefined {
  for (let child = top.waiting.pop(); child !== undefined; child = top.waiting.pop())
    if (Math.min(endOf(child), top.untilUs) <= top.atUs) return child;
  return undefined;
}

function isWaitedFor(child: TreeNode, fromUs: number, untilUs: number): boolean {
  if (child.span.kind === 'consumer') return false;
  return child.span.start_us < untilUs && endOf(child) > fromUs;
}

function endOf(node: TreeNode): number {
  return node.span.start_us + node.span.duration_us;
}
