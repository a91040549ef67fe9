import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createTestDatabase } from '@forge/testing/postgres';
import postgres from 'postgres';
import { afterEach, describe, expect, it } from 'vitest';
import { ORDERS, placeOrder } from '../src/orders.ts';
import { freePort } from '../src/processes.ts';
import { createCluster, ENTRIES, processesOf, startShop, until, type Cluster } from './cluster.ts';

const clusters: Cluster[] = [];
const folders: string[] = [];

function cluster(env: Record<string, string> = {}): Cluster {
  const made = createCluster(env);
  clusters.push(made);
  return made;
}

afterEach(async () => {
  for (const one of clusters.splice(0)) await one.end();
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

function configFile(text: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'forge-toml-'));
  folders.push(folder);
  writeFileSync(join(folder, 'forge.toml'), text);
  return join(folder, 'forge.toml');
}

describe('kill -9', () => {
  it('of the worker, the gateway and the stand-in leaves no process, and the next start works', async () => {
    const shop = cluster();
    const { worker, gateway, payment } = await startShop(shop);
    for (const app of [worker, gateway, payment]) process.kill(app.pid, 'SIGKILL');
    await until('all processes of the folder are gone', () => processesOf(shop.dataDir).length === 0);
    shop.apps.length = 0;
    const { url } = await startShop(shop);
    expect((await placeOrder(url, ORDERS[0])).spans).toHaveLength(10);
  });

  it('of the demo ends everything that it has started', async () => {
    const shop = cluster();
    const env = {
      ...process.env,
      DATABASE_URL: '',
      FORGE_DATA_DIR: shop.dataDir,
      GATEWAY_PORT: String(await freePort()),
    };
    const demo = spawn(process.execPath, [ENTRIES.demo], { env, stdio: ['ignore', 'pipe', 'inherit'] });
    await saying(demo, 'until Ctrl-C');
    expect(processesOf(shop.dataDir).length).toBeGreaterThan(3);
    demo.kill('SIGKILL');
    await until('all processes of the folder are gone', () => processesOf(shop.dataDir).length === 0);
  });
});

describe('a wrong start gives one clear message and exit code 1', () => {
  it('for a used port', async () => {
    const blocker = createServer();
    await new Promise<void>((resolve) => blocker.listen(0, '127.0.0.1', resolve));
    const { port } = blocker.address() as { port: number };
    await expect(cluster().start('gateway', { GATEWAY_PORT: String(port) })).rejects.toThrow(
      new RegExp(`port ${port} on 127.0.0.1 is in use: set GATEWAY_PORT`),
    );
    blocker.close();
  });

  it.each([
    ['an unknown key', '[observability.traces]\nsample_rte = 0.5\n', [':2', 'sample_rte', 'sample_rate']],
    ['a rate out of range', '[observability.traces]\nsample_rate = 2\n', [':2', 'sample_rate', '2', '0', '1']],
    ['no duration', '[observability.traces]\nslow_threshold = "abc"\n', [':2', 'slow_threshold', 'abc', '1s']],
    ['a broken line', '[observability.traces\nsample_rate = 1\n', [':1', '[observability.traces']],
  ])('for a forge.toml with %s', async (_, text, parts) => {
    const file = configFile(text);
    const failure = await cluster()
      .start('gateway', { FORGE_CONFIG: file })
      .then(
        () => 'it started',
        (error: Error) => error.message,
      );
    for (const part of [file, ...parts]) expect(failure).toContain(part);
    expect(failure).not.toMatch(/^\s+at /m);
  });

  it('for a database that the worker cannot reach', async () => {
    const DATABASE_URL = `postgres://nobody:secret@127.0.0.1:${await freePort()}/none`;
    const failure = await cluster()
      .start('worker', { DATABASE_URL })
      .then(
        () => 'it started',
        (error: Error) => error.message,
      );
    expect(failure).toMatch(/worker: .*ECONNREFUSED/);
    expect(failure).not.toContain('secret');
  });
});

describe('with the database gone', () => {
  it('requests are served, spans wait, and are stored once it is back', async () => {
    const database = await createTestDatabase();
    const proxy = await tcpProxy(database.url);
    const sql = postgres(database.url, { max: 1, onnotice: () => undefined });
    const gateway = await cluster({ DATABASE_URL: proxy.url }).start('gateway', { GATEWAY_PORT: '0' });
    const url = String(gateway.ready['url']);
    const stored = async (): Promise<number> => {
      try {
        return Number((await sql`SELECT count(*) FROM forge_traces WHERE operation_name = 'http.request'`)[0]['count']);
      } catch {
        return -1; // The gateway has not made its tables yet.
      }
    };
    await refused(url);
    await until('the first span is stored', async () => (await stored()) === 1);

    await proxy.stop();
    for (let i = 0; i < 20; i++) await refused(url);
    expect(await (await fetch(`${url}/healthz`)).json()).toEqual({ status: 'ok' });
    expect(await stored()).toBe(1);

    await proxy.start();
    await until('all spans are stored', async () => (await stored()) === 21, 30_000);
    await sql.end();
    await proxy.stop();
    await database.drop();
  });

  it('an app whose database never was there still serves, and says so', async () => {
    const shop = cluster({ DATABASE_URL: `postgres://nobody:secret@127.0.0.1:${await freePort()}/none` });
    const gateway = await shop.start('gateway', { GATEWAY_PORT: '0' });
    await refused(String(gateway.ready['url']));
    await until('it says that traces cannot be stored', () =>
      shop.output.some((line) => /postgres|stored/.test(line) && /ECONNREFUSED/.test(line)),
    );
    expect(shop.output.join('\n')).not.toContain('secret');
  });
});

/** An order without a token: 401, and a trace of its own. */
async function refused(url: string): Promise<void> {
  const answer = await fetch(`${url}/api/orders`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: '{}',
  });
  await answer.text();
  expect(answer.status).toBe(401);
}

async function saying(child: ChildProcess, text: string): Promise<void> {
  let output = '';
  await new Promise<void>((resolve, reject) => {
    child.stdout!.setEncoding('utf8').on('data', (chunk: string) => {
      output += chunk;
      if (output.includes(text)) resolve();
    });
    child.once('close', (code) => reject(new Error(`ended with ${code} before it said "${text}":\n${output}`)));
  });
}

/** A way to the database that can be cut and restored, on one port. */
async function tcpProxy(target: string): Promise<{ url: string; start(): Promise<void>; stop(): Promise<void> }> {
  const to = new URL(target);
  const port = await freePort();
  const sockets = new Set<Socket>();
  let server: Server;
  const start = (): Promise<void> => {
    server = createServer((near) => {
      const far = connect(Number(to.port), to.hostname);
      for (const [socket, other] of [
        [near, far],
        [far, near],
      ] as const) {
        sockets.add(socket);
        socket
          .on('error', () => other.destroy())
          .on('close', () => {
            sockets.delete(socket);
            other.destroy();
          });
        socket.pipe(other);
      }
    });
    return new Promise((resolve) => server.listen(port, '127.0.0.1', resolve));
  };
  await start();
  const url = new URL(target);
  url.port = String(port);
  return {
    url: url.href,
    start,
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
  };
}
