import { createFunctionContext, createFunctionExecutor } from '@forge/instrumentation-functions';
import { tracePostgres } from '@forge/instrumentation-postgres';
import { ForgeModule } from '@forge/nestjs';
import type { Forge } from '@forge/node';
import type { DynamicModule, OnApplicationShutdown } from '@nestjs/common';
import type { Sql } from 'postgres';
import type { WorkerContext } from './context.ts';
import { EXECUTOR, ExecutorController } from './executor.controller.ts';
import { functions } from './functions.ts';
import type { Jobs } from './jobs.ts';

export interface WorkerParts {
  readonly sql: Sql;
  readonly jobs: Jobs;
  readonly paymentUrl: string;
}

class WorkerModule {}

/** Ends jobs before the database that they use; ForgeModule drains the spans after both. */
class Ends implements OnApplicationShutdown {
  readonly #parts: WorkerParts;

  constructor(parts: WorkerParts) {
    this.#parts = parts;
  }

  async onApplicationShutdown(): Promise<void> {
    await this.#parts.jobs.stop();
    await this.#parts.sql.end({ timeout: 3 });
  }
}

export function workerModule(forge: Forge, parts: WorkerParts): DynamicModule {
  const context: WorkerContext = createFunctionContext({
    db: tracePostgres(parts.sql),
    dispatch: (type: string, data: object) => parts.jobs.dispatch(type, data),
    paymentUrl: parts.paymentUrl,
  });
  return {
    module: WorkerModule,
    imports: [ForgeModule.forRoot({ forge })],
    controllers: [ExecutorController],
    providers: [
      { provide: EXECUTOR, useValue: createFunctionExecutor({ functions, context }) },
      { provide: Ends, useFactory: () => new Ends(parts) },
    ],
  };
}
