import 'reflect-metadata';
import type { Forge } from '@forge/node';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { gatewayModule } from './gateway.module.ts';

export interface GatewayOptions {
  readonly host: string;
  /** 0 takes any free port. */
  readonly port: number;
  /** host:port of the worker's gRPC server. */
  readonly workerUrl: string;
}

/** Serves until SIGTERM or SIGINT; Nest's shutdown hooks then drain the spans. A used port ends with exit code 1 and one line. */
export async function serve(forge: Forge, options: GatewayOptions): Promise<void> {
  const app = await NestFactory.create<NestFastifyApplication>(gatewayModule(forge, options), new FastifyAdapter(), {
    logger: ['warn', 'error'],
    abortOnError: false,
  });
  app.enableShutdownHooks();
  try {
    await app.listen(options.port, options.host);
  } catch (error) {
    const used = (error as { code?: string }).code === 'EADDRINUSE';
    console.error(
      used
        ? `gateway: port ${options.port} on ${options.host} is in use: set GATEWAY_PORT to a free one`
        : `gateway: ${(error as Error).message}`,
    );
    process.exitCode = 1;
    await app.close();
    return;
  }
  const url = await app.getUrl();
  console.log(`gateway listening on ${url}`);
  endWithParent();
  process.send?.({ ready: true, url });
}

/** Started by another process (the demo): ends with it, however it ends. */
function endWithParent(): void {
  if (process.send !== undefined) process.once('disconnect', () => process.kill(process.pid, 'SIGTERM'));
}
