import {
  checkQuery,
  compareTraces,
  decodeCursor,
  encodeCursor,
  type TracePage,
  type TracePosition,
  type TraceQuery,
} from '@forge/storage';
import type { Database } from '../database.ts';
import { CandidateReader, type Candidate, type Scope } from './candidates.ts';
import { asksForTimeOnly, longestMatches } from './match.ts';
import { readSummaries } from './summaries.ts';

type Match = Candidate & { readonly longestMatchUs: number };

const HOUR_US = 3_600_000_000;
/** Newest first looks back this far, then four times as far, and so on; at last at all the rest. */
const WINDOWS_US = [1, 4, 16, 64, 256, 1024].map((hours) => hours * HOUR_US);
const MAX_PIECE = 2000;

/**
 * Walks the summaries in the query's order and looks at the spans of those that may match, until the page is full: so
 * the order is exact over everything stored, and the work is that of a page, not of all that matches.
 */
export async function search(database: Database, query: TraceQuery): Promise<TracePage> {
  checkQuery(query);
  const after = decodeCursor(query);
  const matches = await collect(database, query, after);
  const shown = matches.slice(0, query.limit);
  const last = shown.at(-1);
  const next = matches.length > shown.length && last !== undefined ? encodeCursor(query.sort, last) : undefined;
  return { traces: await readSummaries(database, shown), next };
}

/** The matches after a position, in order: one more than the page where there are more. */
async function collect(database: Database, query: TraceQuery, after: TracePosition | undefined): Promise<Match[]> {
  const wanted = query.limit + 1;
  const matches: Match[] = [];
  // A trace's longest matching span may be any of its spans: candidates only come in the order of a bound.
  const byBound = query.sort === 'longest_span' && !asksForTimeOnlyWhole(query);
  for (const scope of scopesOf(query, after)) {
    const reader = new CandidateReader(database, query, scope);
    let position = byBound ? undefined : after;
    let piece = asksForTimeOnly(query) ? wanted : Math.max(wanted, 100);
    for (;;) {
      const candidates = await reader.after(position, piece);
      const longest = await longestMatches(database, query, candidates);
      for (const candidate of candidates) {
        const longestMatchUs = longest.get(candidate.traceId);
        if (longestMatchUs === undefined) continue;
        const match = { ...candidate, longestMatchUs, key: byBound ? longestMatchUs : candidate.key };
        if (!byBound || after === undefined || compareTraces(after, match) < 0) matches.push(match);
      }
      position = candidates.at(-1);
      if (byBound) {
        matches.sort(compareTraces);
        const nth = matches[wanted - 1];
        // Whatever comes later is at most as long as the last candidate's bound.
        if (nth !== undefined && position !== undefined && compareTraces(nth, position) <= 0)
          return matches.slice(0, wanted);
      } else if (matches.length >= wanted) return matches.slice(0, wanted);
      if (position === undefined || candidates.length < piece) break;
      piece = Math.min(piece * 4, MAX_PIECE);
    }
  }
  return matches.slice(0, wanted);
}

/** Without any condition on spans the summary's longest span is the longest match. */
function asksForTimeOnlyWhole(query: TraceQuery): boolean {
  return asksForTimeOnly(query) && query.startUnixUs === undefined && query.endUnixUs === undefined;
}

/** The scopes to look through one after the other: each holds only traces that come after all of the one before. */
function* scopesOf(query: TraceQuery, after: TracePosition | undefined): Generator<Scope> {
  const { startUnixUs: lowUs, endUnixUs: highUs } = query;
  if (query.sort !== 'newest') {
    yield { fromUs: undefined, toUs: highUs, endsAfterUs: lowUs };
    return;
  }
  // Start times at or before the cursor's; those at the same microsecond are told apart by their ids.
  const top = Math.min(
    highUs ?? Number.POSITIVE_INFINITY,
    after === undefined ? Number.POSITIVE_INFINITY : after.key + 1,
  );
  let toUs = Number.isFinite(top) ? top : undefined;
  const origin = toUs ?? Date.now() * 1000;
  for (const window of WINDOWS_US) {
    const fromUs = Math.max(origin - window, lowUs ?? 0, 0);
    if (fromUs <= 0) break;
    if (toUs === undefined || fromUs < toUs) yield { fromUs, toUs, endsAfterUs: undefined };
    toUs = toUs === undefined ? fromUs : Math.min(toUs, fromUs);
    if (lowUs !== undefined && fromUs <= lowUs) break;
  }
  // What began before: of a bounded query only what reached into its time.
  yield { fromUs: undefined, toUs, endsAfterUs: lowUs };
}
