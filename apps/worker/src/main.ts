// The worker's process: the function executor over gRPC, and the job runner.
// Tracing starts before anything that it traces is loaded: hence the import() below.
import { startForge, type Forge } from '@forge/node';

const forge = start();
const { serve } = await import('./server.ts');
await serve(forge, {
  address: process.env['WORKER_ADDRESS'] ?? '127.0.0.1:50051',
  paymentUrl: process.env['PAYMENT_URL'] ?? 'http://127.0.0.1:8090',
});

/** A wrong configuration is said in one message, without a stack. */
function start(): Forge {
  try {
    return startForge({ serviceName: 'function-executor' });
  } catch (error) {
    console.error(`worker: ${(error as Error).message}`);
    process.exit(1);
  }
}
