import { formatError } from '../errors.ts';

/** How much one document may hold: what is beyond is refused, not cut. */
export interface DecodeLimits {
  /** Spans in all. Default 1,000,000. */
  readonly maxSpans?: number;
  /** Tags, events, links and values in all: each costs some dozens of bytes however short it is. Default 8,000,000. */
  readonly maxValues?: number;
  /** How deep values may nest. Default 32. */
  readonly maxDepth?: number;
}

/** Counts down what a document may still hold. */
export class DecodeBudget {
  readonly maxDepth: number;
  #spans: number;
  #values: number;

  constructor(limits: DecodeLimits = {}) {
    this.maxDepth = limits.maxDepth ?? 32;
    this.#spans = limits.maxSpans ?? 1_000_000;
    this.#values = limits.maxValues ?? 8_000_000;
  }

  /** Throws FORGE_FORMAT_TOO_LARGE at the first span too many. */
  span(): void {
    if (--this.#spans < 0) throw formatError('FORGE_FORMAT_TOO_LARGE', 'too many spans in one document');
  }

  value(): void {
    if (--this.#values < 0)
      throw formatError('FORGE_FORMAT_TOO_LARGE', 'too many tags, events and links in one document');
  }

  depth(depth: number): void {
    if (depth > this.maxDepth) throw formatError('FORGE_FORMAT_TOO_LARGE', `values nest deeper than ${this.maxDepth}`);
  }
}
