/** Parameters of the search that the form edits; the same names in the page's address and the API. */
export const FILTER_NAMES = ['service', 'operation', 'min_duration', 'max_duration', 'status', 'text', 'kept'] as const;

export const RANGES = ['15m', '1h', '6h', '24h', '7d', 'all'] as const;
export const SORTS = ['newest', 'longest', 'longest_span', 'most_errors', 'most_spans'] as const;
export const DEFAULT_RANGE = '1h';
export const PAGE_SIZE = 50;

/** What the API is asked for the page at this address. */
export function searchOf(params: URLSearchParams): URLSearchParams {
  const query = filtersOf(params);
  const range = timesOf(params);
  for (const [name, value] of Object.entries(range)) if (value !== undefined) query.set(name, value);
  query.set('sort', params.get('sort') ?? 'newest');
  query.set('limit', String(PAGE_SIZE));
  const cursor = params.get('cursor');
  if (cursor !== null) query.set('cursor', cursor);
  return query;
}

/** The filters alone, as the live stream takes them. */
export function filtersOf(params: URLSearchParams): URLSearchParams {
  const query = new URLSearchParams();
  for (const [name, value] of params)
    if (value !== '' && (name.startsWith('tag.') || (FILTER_NAMES as readonly string[]).includes(name)))
      query.set(name, value);
  return query;
}

/** A chosen stretch (`start`, `end` in Unix microseconds), or a range that ends now. */
export function timesOf(params: URLSearchParams): { start?: string; end?: string } {
  const [start, end] = [params.get('start'), params.get('end')];
  if (start !== null && end !== null) return { start, end };
  const range = params.get('range') ?? DEFAULT_RANGE;
  return range === 'all' ? {} : { start: `-${range}` };
}

/** Tags of the address as `key=value`. */
export function tagsOf(params: URLSearchParams): string[] {
  return [...params].flatMap(([name, value]) => (name.startsWith('tag.') ? [`${name.slice(4)}=${value}`] : []));
}

/** Whether any filter is on. */
export function isFiltered(params: URLSearchParams): boolean {
  return [...filtersOf(params)].length > 0;
}
