import type { Sql } from 'postgres';
import type { Jobs } from './jobs.ts';

/** What a function may use: everything is passed in, nothing is global. */
export interface WorkerContext {
  readonly db: Sql;
  readonly http: typeof fetch;
  readonly dispatch: Jobs['dispatch'];
  readonly paymentUrl: string;
}
