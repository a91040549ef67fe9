import type { FunctionContext } from '@forge/instrumentation-functions';
import type { Sql } from 'postgres';
import type { Jobs } from './jobs.ts';

/** What a function may use: everything is passed in, nothing is global. */
export type WorkerContext = FunctionContext<{
  readonly db: Sql;
  readonly dispatch: Jobs['dispatch'];
  readonly paymentUrl: string;
}>;
