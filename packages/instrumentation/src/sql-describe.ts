import { scanSql } from './sql-scanner.ts';
import { SummaryCollector, type SqlDescription } from './sql-summary.ts';

export interface SqlDescriberOptions {
  /** Longest `query`, in UTF-16 units; 2,048 by default. Longer statements are not read past it. */
  readonly maxQueryLength?: number;
  /** Most statements remembered; 1,000 by default. */
  readonly maxStatements?: number;
}

// Longer texts are made up by programs and rarely come again: scanning them costs no more than their first 2 KB.
const MAX_CACHED_LENGTH = 8192;

/**
 * A describer with a memory of its own. It keeps the statements used last, in two generations: a hit costs one look-up
 * and no bookkeeping, and a statement that is in use is never forgotten.
 */
export function createSqlDescriber(options: SqlDescriberOptions = {}): (text: string) => SqlDescription {
  const maxQueryLength = Math.max(16, options.maxQueryLength ?? 2048);
  const maxGeneration = Math.max(1, (options.maxStatements ?? 1000) >> 1);
  let young = new Map<string, SqlDescription>();
  let old = new Map<string, SqlDescription>();

  return (text) => {
    const hit = young.get(text);
    if (hit !== undefined) return hit;
    let description = old.get(text);
    if (description === undefined) {
      const collector = new SummaryCollector();
      description = collector.finish(scanSql(text, maxQueryLength, collector));
      if (text.length > MAX_CACHED_LENGTH) return description;
    }
    if (young.size >= maxGeneration) {
      old = young;
      young = new Map();
    }
    young.set(text, description);
    return description;
  };
}

/** Says what a statement does, without its literals. Remembers the 1,000 statements used last. Never throws. */
export const describeSql: (text: string) => SqlDescription = createSqlDescriber();
