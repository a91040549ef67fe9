import { spawn } from 'node:child_process';
import { chmodSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import postgres from 'postgres';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { isRunning } from '../src/postmaster.ts';
import { serverAccount } from '../src/server-account.ts';
import { buildClient, ClientProcess, processesIn, removeClient, untilGone } from './client-process.ts';

const root = mkdtempSync(join(tmpdir(), 'forge-lifetime-'));
chmodSync(root, 0o755);
const dataDir = join(root, 'postgres');
const clients: ClientProcess[] = [];

function client(options: ConstructorParameters<typeof ClientProcess>[0] = {}): ClientProcess {
  const made = new ClientProcess({ dataDir, durable: false, ...options });
  clients.push(made);
  return made;
}

async function query(url: string, statement: string): Promise<Record<string, unknown>[]> {
  const sql = postgres(url, { max: 1, connect_timeout: 5 });
  try {
    return [...(await sql.unsafe(statement))];
  } finally {
    await sql.end({ timeout: 1 });
  }
}

/** The supervisor's three shells, by what they do. */
function shells(): { runner: number; watcher: number; guard: number } {
  const found = processesIn(dataDir)
    .filter((pid) => nameOf(pid) === 'sh')
    .sort((a, b) => a - b);
  // Forked in this order.
  const [runner, watcher, guard] = found;
  if (runner === undefined || watcher === undefined || guard === undefined) throw new Error(`${found.length} shells`);
  return { runner, watcher, guard };
}

function kill(...pids: number[]): void {
  for (const pid of pids) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // It has just ended with the one before it.
    }
  }
}

// Which processes are left is read from /proc.
describe.skipIf(process.platform !== 'linux')('the life of an embedded server', () => {
  beforeAll(async () => {
    await buildClient();
    const first = client();
    await query((await first.acquired).url, 'CREATE TABLE kept AS SELECT 42 AS id');
    await first.end('release');
    await untilGone(dataDir);
  });

  afterEach(async () => {
    for (const { process: child } of clients) child.kill('SIGKILL');
    clients.length = 0;
    await untilGone(dataDir);
  });

  afterAll(() => {
    removeClient();
    rmSync(root, { recursive: true, force: true });
  });

  it.each(['release', 'forget', 'SIGTERM', 'SIGINT', 'SIGKILL'] as const)(
    'leaves nothing behind when its only client ends by %s',
    async (how) => {
      const only = client();
      const { url, serverPid } = await only.acquired;
      expect(await query(url, 'SELECT id FROM kept')).toEqual([{ id: 42 }]);
      await only.end(how);
      await untilGone(dataDir);
      expect(isRunning(serverPid)).toBe(false);
    },
  );

  it('lets one of several that come at once start it, and the others join', async () => {
    const fresh = join(root, 'raced');
    const racing = [1, 2, 3, 4].map(() => client({ dataDir: fresh }));
    const servers = await Promise.all(racing.map((one) => one.acquired));
    expect(new Set(servers.map(({ url, serverPid }) => `${url} ${serverPid}`)).size).toBe(1);
    expect(
      racing.flatMap((one) => one.progress).filter((line) => line.includes('creating the database folder')),
    ).toHaveLength(1);
    await Promise.all(racing.map((one) => one.end('SIGKILL')));
    await untilGone(fresh);
  });

  it('goes on for the others when the one who started it is killed', async () => {
    const starter = client();
    await starter.acquired;
    const other = client();
    const { url, serverPid } = await other.acquired;
    await starter.end('SIGKILL');
    const late = client();
    expect((await late.acquired).serverPid).toBe(serverPid);
    await late.end('SIGTERM');
    expect(await query(url, 'SELECT id FROM kept')).toEqual([{ id: 42 }]);
    await other.end('release');
    await untilGone(dataDir);
  });

  it('ends when all its clients are killed at once', async () => {
    const all = [client(), client(), client()];
    await Promise.all(all.map((one) => one.acquired));
    kill(...all.map((one) => one.process.pid ?? 0));
    await untilGone(dataDir);
    expect(await query((await client().acquired).url, 'SELECT id FROM kept')).toEqual([{ id: 42 }]);
  });

  it('stays for the grace time when durable, so that a client that restarts finds it still there', async () => {
    const before = client({ durable: true });
    const { serverPid } = await before.acquired;
    await before.end('SIGKILL');
    const after = client({ durable: true });
    expect((await after.acquired).serverPid).toBe(serverPid);
    await after.end('SIGKILL');
    await untilGone(dataDir);
  });

  it('comes back on the same address with its data when PostgreSQL itself is killed', async () => {
    const holder = client({ durable: true });
    const { url, serverPid } = await holder.acquired;
    await query(url, 'CREATE TABLE IF NOT EXISTS committed AS SELECT 1 AS id');
    kill(serverPid);
    await vi.waitFor(async () => expect(await query(url, 'SELECT id FROM committed')).toEqual([{ id: 1 }]), {
      timeout: 15_000,
      interval: 100,
    });
    const joiner = client({ durable: true });
    const joined = await joiner.acquired;
    expect(joined.url).toBe(url);
    expect(joined.serverPid).not.toBe(serverPid);
  });

  it.each(['runner', 'watcher', 'guard'] as const)(
    'ends PostgreSQL also when its %s was killed before',
    async (role) => {
      const holder = client();
      const { serverPid } = await holder.acquired;
      kill(shells()[role]);
      await holder.end('SIGKILL');
      await untilGone(dataDir);
      expect(processesIn(dataDir)).not.toContain(serverPid);
    },
  );

  it('ends PostgreSQL at once when its watcher is killed, and lets the next client start another', async () => {
    const holder = client();
    const { serverPid } = await holder.acquired;
    kill(shells().watcher);
    const { serverPid: next, url } = await client().acquired;
    expect(next).not.toBe(serverPid);
    expect(isRunning(serverPid)).toBe(false);
    expect(await query(url, 'SELECT id FROM kept')).toEqual([{ id: 42 }]);
  });

  it('takes the folder over when supervisor and client were killed together and PostgreSQL still runs', async () => {
    const holder = client();
    const { serverPid } = await holder.acquired;
    const { runner, watcher, guard } = shells();
    kill(runner, watcher, guard, holder.process.pid ?? 0);
    expect(isRunning(serverPid)).toBe(true);
    const { serverPid: next, url } = await client().acquired;
    expect(next).not.toBe(serverPid);
    expect(processesIn(dataDir)).not.toContain(serverPid);
    expect(await query(url, 'SELECT id FROM kept')).toEqual([{ id: 42 }]);
  });

  it('starts over what is left when everything was killed at once', async () => {
    const holder = client();
    await holder.acquired;
    kill(holder.process.pid ?? 0, ...processesIn(dataDir));
    expect(await query((await client().acquired).url, 'SELECT id FROM kept')).toEqual([{ id: 42 }]);
  });

  it('starts although a stale postmaster.pid names a process that lives', async () => {
    const account = serverAccount(dataDir);
    const stranger = spawn('sleep', ['60'], { ...account, stdio: 'ignore' });
    const file = join(dataDir, 'data', 'postmaster.pid');
    writeFileSync(file, `${stranger.pid}\n${join(dataDir, 'data')}\n1700000000\n5432\n\n127.0.0.1\n  1 1\nready   \n`);
    expect(await query((await client().acquired).url, 'SELECT id FROM kept')).toEqual([{ id: 42 }]);
    expect(isRunning(stranger.pid ?? 0)).toBe(true);
    stranger.kill();
  });

  it('survives a starter that is killed at any moment of the start', async () => {
    for (let afterMs = 60; afterMs <= 760; afterMs += 140) {
      const fresh = join(root, `killed-${afterMs}`);
      const starter = client({ dataDir: fresh });
      // A moment, not an event: the point is to hit any of them.
      await new Promise((resolve) => setTimeout(resolve, afterMs));
      await starter.end('SIGKILL');
      const next = client({ dataDir: fresh });
      expect(await query((await next.acquired).url, 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
      await next.end('SIGKILL');
      await untilGone(fresh);
    }
  }, 60_000);

  it('never fails a client that comes while the last one leaves', async () => {
    const relay = async (): Promise<void> => {
      for (let turn = 0; turn < 5; turn++) {
        const one = client();
        expect(await one.acquired).toMatchObject({ serverPid: expect.any(Number) as number });
        await one.end('SIGKILL');
      }
    };
    await Promise.all([relay(), relay()]);
  }, 60_000);

  it('lets a process end by itself that holds it and has nothing else to do', async () => {
    const idle = client();
    await idle.acquired;
    await idle.end('forget');
    expect(idle.process.exitCode).toBe(0);
  });

  it('does not pass its lease on to child processes', async () => {
    const holder = client();
    await holder.acquired;
    const [fd] = leases(holder.process.pid ?? 0);
    const flags = /flags:\s+(\d+)/.exec(readFileSync(`/proc/${holder.process.pid}/fdinfo/${fd}`, 'utf8'))?.[1] ?? '';
    // A child that outlives its parent would otherwise hold the server.
    const closeOnExec = 0o2000000;
    expect(Number.parseInt(flags, 8) & closeOnExec).toBe(closeOnExec);
  });
});

function nameOf(pid: number): string | undefined {
  try {
    return readFileSync(`/proc/${pid}/comm`, 'utf8').trim();
  } catch {
    return undefined; // It ended meanwhile.
  }
}

/** Descriptors of this process that are ends of our named pipes. */
function leases(pid: number): string[] {
  return readdirSync(`/proc/${pid}/fd`).filter((fd) =>
    readlinkSync(`/proc/${pid}/fd/${fd}`).startsWith(join(dataDir, 'run')),
  );
}
