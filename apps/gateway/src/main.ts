// The gateway's process. Tracing starts before anything that it traces is loaded: hence the import() below.
import { startForge, type Forge } from '@forge/node';

const forge = start();
const { serve } = await import('./server.ts');
await serve(forge, {
  host: process.env['GATEWAY_HOST'] ?? '127.0.0.1',
  port: Number(process.env['GATEWAY_PORT'] ?? 8080),
  workerUrl: process.env['WORKER_URL'] ?? '127.0.0.1:50051',
});

/** A wrong configuration is said in one message, without a stack. */
function start(): Forge {
  try {
    return startForge({ serviceName: 'gateway' });
  } catch (error) {
    console.error(`gateway: ${(error as Error).message}`);
    process.exit(1);
  }
}
