import { createHash } from 'node:crypto';

/** The key of an advisory lock for one purpose in one schema, as the text of a bigint. */
export function lockKey(schema: string, purpose: 'migrations' | 'partitions' | 'upkeep'): string {
  return createHash('sha256').update(`forge\0${schema}\0${purpose}`).digest().readBigInt64BE(0).toString();
}
