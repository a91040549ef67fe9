import type { SpanJson } from '@forge/query';

/** A span in its place. Built without recursion: traces may be 70,000 levels deep. */
export interface TreeNode {
  readonly span: SpanJson;
  readonly parent: TreeNode | undefined;
  /** By start, then span id. */
  readonly children: TreeNode[];
  readonly depth: number;
  /** Its parent is named and not stored. */
  readonly isOrphan: boolean;
}

/**
 * The spans of a trace as trees, one for each span without a stored parent, by start.
 * A circle of parents, which no tracer makes but anyone may send, is opened at its earliest span.
 */
export function buildTree(spans: readonly SpanJson[]): TreeNode[] {
  const ordered = [...spans].sort((a, b) => a.start_us - b.start_us || (a.span_id < b.span_id ? -1 : 1));
  const ids = new Set(ordered.map((span) => span.span_id));
  const childrenOf = new Map<string, SpanJson[]>();
  const rootSpans: SpanJson[] = [];
  for (const span of ordered) {
    const parentId = span.parent_span_id;
    if (parentId === null || !ids.has(parentId)) rootSpans.push(span);
    else {
      const siblings = childrenOf.get(parentId);
      if (siblings === undefined) childrenOf.set(parentId, [span]);
      else siblings.push(span);
    }
  }

  const seen = new Set<SpanJson>();
  const roots: TreeNode[] = [];
  const plant = (span: SpanJson): void => {
    const root = node(span, undefined, span.parent_span_id !== null);
    roots.push(root);
    seen.add(span);
    // Level by level, the list growing as it is walked.
    const planted = [root];
    for (const next of planted) {
      const children = childrenOf.get(next.span.span_id);
      if (children === undefined) continue;
      // Of two spans with one id the first takes the children.
      childrenOf.delete(next.span.span_id);
      for (const child of children) {
        if (seen.has(child)) continue;
        seen.add(child);
        const grown = node(child, next, false);
        next.children.push(grown);
        planted.push(grown);
      }
    }
  };
  for (const span of rootSpans) plant(span);
  for (const span of ordered) if (!seen.has(span)) plant(span);
  return roots.sort((a, b) => a.span.start_us - b.span.start_us);
}

function node(span: SpanJson, parent: TreeNode | undefined, isOrphan: boolean): TreeNode {
  return { span, parent, children: [], depth: parent === undefined ? 0 : parent.depth + 1, isOrphan };
}

/** All nodes, each before its children. */
export function* walkTree(roots: readonly TreeNode[]): Generator<TreeNode> {
  const open = [...roots].reverse();
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    yield next;
    for (let i = next.children.length - 1; i >= 0; i--) open.push(next.children[i]);
  }
}
