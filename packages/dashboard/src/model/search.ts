import { Flag, idText, KIND_NAMES, STATUS_ERROR } from './span-table.ts';
import type { Trace } from './trace.ts';

/** One word of a search inside a trace. */
export type Term =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'service' | 'name' | 'resource' | 'id' | 'log' | 'type'; readonly text: string }
  | { readonly kind: 'duration' | 'self'; readonly compare: '>' | '<'; readonly us: number }
  | { readonly kind: 'error' }
  | { readonly kind: 'tag'; readonly text: string };

const UNITS: Readonly<Record<string, number>> = { ns: 0.001, us: 1, µs: 1, ms: 1000, s: 1e6, m: 60e6, h: 3600e6 };
const FIELDS: ReadonlySet<string> = new Set(['service', 'name', 'resource', 'id', 'log', 'type']);

/**
 * Reads a search: words are met all together. `service:x name:x resource:x id:x log:x type:server`, `error`, `>100ms`, `<5us`,
 * `self>1ms`, `tag:x` (looks into tags and log lines, by asking for them); `"in quotes"` keeps spaces; other words are
 * part of a service, name, resource or id, in any case.
 */
export function parseSearch(text: string): Term[] {
  const terms: Term[] = [];
  for (const match of text.matchAll(/(?:([a-z]+):)?(?:"([^"]*)"?|(\S+))/gi)) {
    const field = match[1]?.toLowerCase();
    const value = match[2] ?? match[3] ?? '';
    if (value === '' && field === undefined) continue;
    if (field !== undefined) {
      if (value === '') continue;
      if (field === 'tag') terms.push({ kind: 'tag', text: value.toLowerCase() });
      else if (FIELDS.has(field)) terms.push({ kind: field as 'service', text: value.toLowerCase() });
      else terms.push({ kind: 'text', text: match[0].toLowerCase() });
      continue;
    }
    const compared =
      match[2] === undefined ? /^(self)?([<>])=?(\d+(?:\.\d+)?)(ns|us|µs|ms|s|m|h)?$/i.exec(value) : null;
    if (compared !== null) {
      const us = Number(compared[3]) * UNITS[compared[4]?.toLowerCase() ?? 'ms'];
      terms.push({ kind: compared[1] === undefined ? 'duration' : 'self', compare: compared[2] as '>' | '<', us });
    } else if (match[2] === undefined && /^errors?$/i.test(value)) terms.push({ kind: 'error' });
    else terms.push({ kind: 'text', text: value.toLowerCase() });
  }
  return terms;
}

/**
 * 1 for each node that meets every term. Texts are looked for once a distinct string, so the number of spans costs
 * one pass over integers. `tag` terms need the answer of whoever holds the tags: rows in `tagRows`.
 */
export function search(trace: Trace, terms: readonly Term[], tagRows?: ReadonlySet<number>): Uint8Array {
  const matches = new Uint8Array(trace.count);
  if (terms.length === 0) return matches;
  matches.fill(1);
  for (const term of terms) narrow(trace, term, matches, tagRows);
  return matches;
}

function narrow(trace: Trace, term: Term, matches: Uint8Array, tagRows: ReadonlySet<number> | undefined): void {
  const { count } = trace;
  const keep = (test: (node: number) => boolean): void => {
    for (let node = 0; node < count; node++) if (matches[node] === 1 && !test(node)) matches[node] = 0;
  };
  switch (term.kind) {
    case 'error':
      return keep((node) => trace.status[node] === STATUS_ERROR);
    case 'duration':
    case 'self': {
      const column = term.kind === 'self' ? trace.self : trace.duration;
      const { us } = term;
      return keep((node) => trace.row[node] >= 0 && (term.compare === '>' ? column[node] >= us : column[node] <= us));
    }
    case 'id':
      return keep((node) => idText(trace.ids, node).startsWith(term.text));
    case 'type':
      return keep((node) => (KIND_NAMES[trace.kind[node]] ?? '').startsWith(term.text));
    case 'tag':
      return keep((node) => tagRows?.has(trace.row[node]) ?? false);
    case 'log': {
      const found = stringsWith(trace, term.text);
      return keep((node) => {
        for (let log = trace.logBegin[node]; log < trace.logBegin[node + 1]; log++)
          if (found[trace.logLabel[log]] === 1) return true;
        return false;
      });
    }
    case 'service':
    case 'name':
    case 'resource': {
      const found = stringsWith(trace, term.text);
      const column = trace[term.kind];
      return keep((node) => found[column[node]] === 1);
    }
    case 'text': {
      const found = stringsWith(trace, term.text);
      const id = /^[0-9a-f]{6,16}$/.test(term.text) ? term.text : undefined;
      return keep(
        (node) =>
          found[trace.name[node]] === 1 ||
          found[trace.resource[node]] === 1 ||
          found[trace.service[node]] === 1 ||
          (id !== undefined && idText(trace.ids, node).startsWith(id)),
      );
    }
  }
}

function stringsWith(trace: Trace, text: string): Uint8Array {
  const found = new Uint8Array(trace.strings.length);
  for (let at = 0; at < found.length; at++) if (trace.strings[at].toLowerCase().includes(text)) found[at] = 1;
  return found;
}

/** The nodes with a 1, rising. */
export function nodesOf(matches: Uint8Array): Int32Array {
  let count = 0;
  for (const match of matches) count += match;
  const nodes = new Int32Array(count);
  for (let node = 0, at = 0; node < matches.length; node++) if (matches[node] === 1) nodes[at++] = node;
  return nodes;
}

/** The pills above the waterfall. */
export interface Pills {
  readonly errors: boolean;
  readonly criticalPath: boolean;
  /** Self time of at least this, microseconds. */
  readonly slowUs: number | undefined;
  /** Positions in `strings`; empty for all. */
  readonly services: readonly number[];
}

/** 1 for each node that meets every pill that is on; undefined where none is. */
export function filterByPills(trace: Trace, pills: Pills, onPath: Uint8Array | undefined): Uint8Array | undefined {
  const { errors, criticalPath, slowUs } = pills;
  const services = pills.services.length === 0 ? undefined : new Set(pills.services);
  if (!errors && !criticalPath && slowUs === undefined && services === undefined) return undefined;
  const matches = new Uint8Array(trace.count);
  for (let node = 0; node < trace.count; node++) {
    if ((trace.flags[node] & Flag.missing) !== 0) continue;
    if (errors && trace.status[node] !== STATUS_ERROR) continue;
    if (criticalPath && onPath?.[node] !== 1) continue;
    if (slowUs !== undefined && trace.self[node] < slowUs) continue;
    if (services !== undefined && !services.has(trace.service[node])) continue;
    matches[node] = 1;
  }
  return matches;
}

/**
 * What counts as slow in this trace: the self time that only the slowest twentieth reaches, and at least a hundredth
 * of the whole.
 */
export function slowThresholdUs(trace: Trace): number {
  const sorted = trace.self.slice().sort();
  const high = sorted[Math.floor(sorted.length * 0.95)] ?? 0;
  return Math.max(high, (trace.endUs - trace.startUs) / 100, 1);
}
