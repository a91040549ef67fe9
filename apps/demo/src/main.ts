// `pnpm demo`: the gateway, the worker and the payment stand-in, three orders, their traces. Serves until Ctrl-C;
// with --once it ends, with exit code 0 only if the reference trace was read back through the API exactly.
import { fileURLToPath } from 'node:url';
import { renderWaterfall } from '@forge/cli/waterfall';
import { ORDERS, placeOrder } from './orders.ts';
import { freePort, startApp, type App } from './processes.ts';
import { differences, REFERENCE_SPANS } from './reference-trace.ts';

const unknown = process.argv.slice(2).filter((argument) => argument !== '--once' && argument !== '--');
if (unknown.length > 0) {
  console.error(`demo: unknown argument "${unknown[0]}": only --once is allowed`);
  process.exit(1);
}
const once = process.argv.includes('--once');
const verbose = process.env['DEMO_VERBOSE'] !== undefined;
const apps: App[] = [];
let ending = false;

async function end(code: number): Promise<never> {
  ending = true;
  for (const app of apps.splice(0).toReversed()) await app.stop();
  process.exit(code);
}

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, () => {
    if (!ending) void end(0);
  });
}

async function start(name: string, entry: string, env: Record<string, string>): Promise<App> {
  const app = await startApp({
    name,
    entry: fileURLToPath(import.meta.resolve(entry)),
    env,
    // The tracer's own lines are for people; what the apps print is theirs.
    onOutput: (line) =>
      verbose || /warn|error|creating|initial/i.test(line) ? console.log(`  ${name}: ${line}`) : undefined,
  });
  apps.push(app);
  void app.ended.then(() => {
    if (ending) return;
    console.error(`${name} has ended: the demo ends too`);
    void end(1);
  });
  return app;
}

try {
  const port = once ? await freePort() : Number(process.env['GATEWAY_PORT'] ?? 8080);
  const workerAddress = `127.0.0.1:${await freePort()}`;
  console.log(
    `starting the payment stand-in, the worker and the gateway on ${process.env['DATABASE_URL'] === undefined ? 'the embedded PostgreSQL' : 'the PostgreSQL of DATABASE_URL'} ...`,
  );
  const payment = await start('payment stand-in', '@forge-apps/payment-stand-in', {});
  await start('worker', '@forge-apps/worker', {
    WORKER_ADDRESS: workerAddress,
    PAYMENT_URL: `http://127.0.0.1:${String(payment.ready['port'])}`,
  });
  const gateway = await start('gateway', '@forge-apps/gateway', {
    GATEWAY_PORT: String(port),
    WORKER_URL: workerAddress,
  });
  const url = String(gateway.ready['url']);

  const problems: string[] = [];
  let exampleId = '';
  for (const order of ORDERS) {
    const trace = await placeOrder(url, order);
    if (exampleId === '') {
      exampleId = trace.trace_id;
      problems.push(...differences(trace));
    }
    console.log(`\n${order.title}: POST /api/orders ${JSON.stringify(order.body)} -> ${order.status}\n`);
    console.log(
      renderWaterfall(trace, {
        width: process.stdout.columns || 120,
        color: process.stdout.isTTY && process.env['NO_COLOR'] === undefined,
      }),
    );
  }

  if (once) {
    for (const problem of problems) console.error(`not the reference trace: ${problem}`);
    if (problems.length === 0)
      console.log(
        `\nthe reference trace was read back exactly: ${REFERENCE_SPANS} spans, 2 processes, trace ${exampleId}`,
      );
    await end(problems.length === 0 ? 0 : 1);
  }

  console.log(`
look at it: ${url}/_api/viewer/traces/${exampleId}

or ask the API:
  curl -s ${url}/_api/traces/${exampleId}
  curl -s '${url}/_api/traces?operation=create_order&min_duration=1000&limit=50'
  curl -s -X POST ${url}/api/orders -H 'authorization: Bearer user-7' -H 'content-type: application/json' -d '{"item":"tea","amount":1250}'

or in SQL, with any client:
  SELECT span_id, parent_span_id, operation_name, start_time, duration_ms, status, tags
  FROM forge_traces WHERE trace_id = '${exampleId}' ORDER BY start_time;

serving on ${url} until Ctrl-C`);
} catch (error) {
  if (!ending) {
    console.error(`demo: ${(error as Error).message}`);
    await end(1);
  }
}
