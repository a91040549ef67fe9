import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { freePort, startApp, type App } from '../src/processes.ts';

/** The built entries: what runs here is what the demo runs. */
export const ENTRIES = {
  gateway: built('gateway'),
  worker: built('worker'),
  payment: built('payment-stand-in'),
  demo: built('demo'),
} as const;

function built(app: string): string {
  return fileURLToPath(new URL(`../../${app}/dist/main.js`, import.meta.url));
}

export interface Cluster {
  /** Of the embedded database, thrown away at the end. */
  readonly dataDir: string;
  readonly apps: App[];
  readonly output: string[];
  start(name: keyof typeof ENTRIES, env: Record<string, string>): Promise<App>;
  /** Ends all apps and removes the data folder. */
  end(): Promise<void>;
}

/** A place for apps that share a database of their own. */
export function createCluster(env: Record<string, string> = {}): Cluster {
  const dataDir = mkdtempSync(join(tmpdir(), 'forge-e2e-'));
  const apps: App[] = [];
  const output: string[] = [];
  return {
    dataDir,
    apps,
    output,
    async start(name, own) {
      const app = await startApp({
        name,
        entry: ENTRIES[name],
        // The surrounding DATABASE_URL must not leak in: the tests say which database they mean.
        env: { DATABASE_URL: '', FORGE_DATA_DIR: dataDir, ...env, ...own },
        onOutput: (line) => void output.push(`${name}: ${line}`),
      });
      apps.push(app);
      return app;
    },
    async end() {
      for (const app of apps.splice(0).toReversed()) await app.stop();
      rmSync(dataDir, { recursive: true, force: true });
    },
  };
}

/** The payment stand-in, one worker and one gateway, connected; resolves with the gateway's URL. */
export async function startShop(cluster: Cluster): Promise<{ url: string; payment: App; worker: App; gateway: App }> {
  const address = `127.0.0.1:${await freePort()}`;
  const payment = await cluster.start('payment', {});
  const worker = await cluster.start('worker', { WORKER_ADDRESS: address, PAYMENT_URL: paymentUrl(payment) });
  const gateway = await cluster.start('gateway', { GATEWAY_PORT: '0', WORKER_URL: address });
  return { url: String(gateway.ready['url']), payment, worker, gateway };
}

export function paymentUrl(payment: App): string {
  return `http://127.0.0.1:${String(payment.ready['port'])}`;
}

/** Process ids whose command line or environment names the folder: nobody may be left. */
export function processesOf(dataDir: string): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .filter((pid) => {
      try {
        const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8');
        const env = readFileSync(`/proc/${pid}/environ`, 'utf8');
        return command.includes(dataDir) || env.includes(`FORGE_DATA_DIR=${dataDir}`);
      } catch {
        return false; // It has just ended.
      }
    })
    .map(Number);
}

/** Waits until `test` holds; rejects with `what` after `withinMs`. */
export async function until(what: string, test: () => boolean | Promise<boolean>, withinMs = 20_000): Promise<void> {
  const deadline = Date.now() + withinMs;
  while (!(await test())) {
    if (Date.now() > deadline) throw new Error(`not within ${withinMs} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
