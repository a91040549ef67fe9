import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Empty where a redis-server is on PATH; else what to add to a test's name. */
export const redisMissing = hasRedis()
  ? ''
  : ' (not run: there is no redis-server on PATH; on Debian `apt-get install redis-server`)';

function hasRedis(): boolean {
  try {
    execFileSync('redis-server', ['--version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

export interface TestRedis {
  readonly port: number;
  stop(): Promise<void>;
}

/** A Redis of one's own on 127.0.0.1, without persistence; gone after `stop`, or when the process ends. */
export async function startRedis(): Promise<TestRedis> {
  const port = await freePort();
  const dir = mkdtempSync(join(tmpdir(), 'forge-redis-'));
  const args = ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no', '--dir', dir];
  const server = spawn('redis-server', args, { stdio: ['ignore', 'pipe', 'inherit'] });
  const kill = (): boolean => server.kill('SIGKILL');
  process.once('exit', kill);
  await ready(server);
  return {
    port,
    async stop() {
      process.off('exit', kill);
      server.kill('SIGKILL');
      await once(server, 'exit');
      rmSync(dir, { recursive: true, force: true });
    },
  };
}

async function ready(server: ChildProcess): Promise<void> {
  let said = '';
  for await (const chunk of server.stdout!) {
    said += String(chunk);
    if (said.includes('Ready to accept connections')) {
      server.stdout!.resume();
      return;
    }
  }
  throw new Error(`redis-server ended: ${said}`);
}

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address() as AddressInfo;
  probe.close();
  await once(probe, 'close');
  return port;
}
