// The gateway's process. Tracing starts before anything that it traces is loaded: hence the import() below.
import { startForge } from '@forge/node';

const forge = startForge({ serviceName: 'gateway' });
const { serve } = await import('./server.ts');
await serve(forge, {
  host: process.env['GATEWAY_HOST'] ?? '127.0.0.1',
  port: Number(process.env['GATEWAY_PORT'] ?? 8080),
  workerUrl: process.env['WORKER_URL'] ?? '127.0.0.1:50051',
});
