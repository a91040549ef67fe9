import type { AttributeList, Origin, Scope, SpanData } from '@forge/core';

/** Spans of one process; within it, of one library each. */
export interface OriginGroup {
  readonly origin: Origin;
  readonly scopes: ScopeGroup[];
}

export interface ScopeGroup {
  readonly scope: Scope;
  readonly spans: SpanData[];
}

// Stored spans come with equal origins that are different objects: looked for among the last few groups only.
const LOOK_BACK = 16;

/** `spans` by origin and scope, each in the order of first appearance. */
export function groupSpans(spans: readonly SpanData[]): OriginGroup[] {
  const groups: OriginGroup[] = [];
  let group: OriginGroup | undefined;
  let scopes: ScopeGroup | undefined;
  for (const span of spans) {
    const { origin, scope } = span;
    if (group === undefined || group.origin !== origin) {
      group = findLast(groups, (other) => sameOrigin(other.origin, origin));
      if (group === undefined) groups.push((group = { origin, scopes: [] }));
      scopes = undefined;
    }
    if (scopes === undefined || scopes.scope !== scope) {
      scopes = findLast(group.scopes, (other) => sameScope(other.scope, scope));
      if (scopes === undefined) group.scopes.push((scopes = { scope, spans: [] }));
    }
    scopes.spans.push(span);
  }
  return groups;
}

function findLast<T>(list: readonly T[], matches: (item: T) => boolean): T | undefined {
  for (let i = list.length - 1; i >= 0 && i >= list.length - LOOK_BACK; i--) if (matches(list[i])) return list[i];
  return undefined;
}

function sameOrigin(a: Origin, b: Origin): boolean {
  if (a === b) return true;
  return a.serviceName === b.serviceName && a.nodeId === b.nodeId && sameList(a.attributes, b.attributes);
}

function sameScope(a: Scope, b: Scope): boolean {
  if (a === b) return true;
  return a.name === b.name && a.version === b.version && sameList(a.attributes, b.attributes);
}

function sameList(a: AttributeList, b: AttributeList): boolean {
  if (a === b) return true;
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) {
    const [x, y] = [a[i], b[i]];
    if (x === y) continue;
    if (typeof x !== 'object' || typeof y !== 'object' || JSON.stringify(x) !== JSON.stringify(y)) return false;
  }
  return true;
}
