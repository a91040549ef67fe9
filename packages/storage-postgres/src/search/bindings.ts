/** Values of a statement under construction: each gets its number. All are sent as text and cast by the server. */
export class Bindings {
  readonly values: string[] = [];

  /** The placeholder of `value`, cast from text: `$3::text::bigint`. */
  add(value: string | number, type: 'text' | 'bigint' | 'jsonb' | 'text[]' | 'integer[]' = 'text'): string {
    this.values.push(String(value));
    return type === 'text' ? `$${this.values.length}::text` : `$${this.values.length}::text::${type}`;
  }

  /**
   * Unix microseconds as a timestamptz. `to_timestamp` is immutable, unlike a cast from text or adding an interval: so the
   * planner sees a constant and leaves out partitions before it plans them. Seconds as a double are exact to the
   * microsecond up to 2200.
   */
  time(unixUs: number): string {
    this.values.push(String(unixUs / 1_000_000));
    return `to_timestamp($${this.values.length}::text::double precision)`;
  }

  /** An array of ids or names, as PostgreSQL writes arrays. */
  texts(values: readonly string[]): string {
    return this.add(textArray(values), 'text[]');
  }
}

/** `{"a","b"}`: for a parameter that is cast to text[]. */
export function textArray(values: readonly string[]): string {
  return `{${values.map((value) => `"${value.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`).join(',')}}`;
}

/** Whole Unix microseconds of a timestamptz, as text: beyond 2^31, and exact. */
export function microsecondsOf(expression: string): string {
  return `(extract(epoch FROM ${expression}) * 1000000)::bigint::text`;
}
