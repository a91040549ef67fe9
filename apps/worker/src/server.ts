import 'reflect-metadata';
import { PROTO_PACKAGE, PROTO_PATH } from '@forge-apps/contract';
import type { Forge } from '@forge/node';
import { NestFactory } from '@nestjs/core';
import { Transport, type MicroserviceOptions } from '@nestjs/microservices';
import { openDatabase } from './database.ts';
import { openJobs } from './jobs.ts';
import { workerModule } from './worker.module.ts';

export interface WorkerOptions {
  /** host:port of the gRPC server. */
  readonly address: string;
  readonly paymentUrl: string;
}

/** Serves until SIGTERM or SIGINT; Nest's shutdown hooks end the jobs, then the database, then drain the spans. */
export async function serve(forge: Forge, options: WorkerOptions): Promise<void> {
  try {
    const databaseUrl = await forge.databaseUrl();
    const sql = await openDatabase(databaseUrl);
    const jobs = await openJobs(databaseUrl);
    const app = await NestFactory.createMicroservice<MicroserviceOptions>(
      workerModule(forge, { sql, jobs, paymentUrl: options.paymentUrl }),
      {
        transport: Transport.GRPC,
        options: { url: options.address, package: PROTO_PACKAGE, protoPath: PROTO_PATH },
        logger: ['warn', 'error'],
        abortOnError: false,
      },
    );
    app.enableShutdownHooks();
    await app.listen();
    await jobs.run();
    console.log(`worker listening on grpc://${options.address}`);
    endWithParent();
    process.send?.({ ready: true, address: options.address });
  } catch (error) {
    console.error(`worker: ${(error as Error).message}`);
    process.exitCode = 1;
    await forge.shutdown();
    // Half-open parts may hold the process; it has nothing to serve.
    process.exit();
  }
}

/** Started by another process (the demo): ends with it, however it ends. */
function endWithParent(): void {
  if (process.send !== undefined) process.once('disconnect', () => process.kill(process.pid, 'SIGTERM'));
}
