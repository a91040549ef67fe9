import { createTestDatabase, type TestDatabase } from '@forge/testing/postgres';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { RowBuffer } from '../encode/row-buffer.ts';
import { parseAddress } from './address.ts';
import { Connection } from './connection.ts';
import { Pool } from './pool.ts';
import { transaction } from './transaction.ts';

let database: TestDatabase;
const opened: Connection[] = [];

async function open(statementTimeoutMs = 20_000): Promise<Connection> {
  const connection = await Connection.open(parseAddress(database.url), {
    statementTimeoutMs,
    settings: { application_name: 'forge', statement_timeout: String(statementTimeoutMs) },
  });
  opened.push(connection);
  return connection;
}

async function pidOf(connection: Connection): Promise<number> {
  return (await connection.query<{ pid: number }>('SELECT pg_backend_pid() AS pid'))[0].pid;
}

/** Ends another session, as an administrator or a failing server would. */
async function kill(pid: number): Promise<void> {
  const admin = await open();
  await admin.query('SELECT pg_terminate_backend($1::int)', [pid]);
}

beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(async () => {
  for (const connection of opened) connection.close();
  await database.drop();
});

describe('a connection', () => {
  it('answers statements in the order in which they were sent, without waiting in between', async () => {
    const connection = await open();
    const answers = [1, 2, 3].map((n) =>
      connection.query<{ n: number }>('SELECT $1::int AS n', [n], { prepare: n > 1 }),
    );
    expect((await Promise.all(answers)).map(([row]) => row.n)).toEqual([1, 2, 3]);
  });

  it('reads values by their types', async () => {
    const connection = await open();
    const [row] = await connection.query(
      `SELECT 1::int AS i, 2::bigint AS b, 0.5::float8 AS f, true AS t, NULL::text AS n, '{"a":[1]}'::jsonb AS j, '\\x00ff'::bytea AS y, 'ü😀'::text AS s`,
    );
    expect(row).toEqual({ i: 1, b: '2', f: 0.5, t: true, n: null, j: { a: [1] }, y: Buffer.from([0, 255]), s: 'ü😀' });
  });

  it('goes on after an error, and says what it was', async () => {
    const connection = await open();
    const failing = connection.query('SELECT 1 / $1::int', [0], { prepare: true });
    const next = connection.query<{ n: number }>('SELECT 7 AS n');
    await expect(failing).rejects.toMatchObject({ code: '22012', message: 'division by zero' });
    expect((await next)[0].n).toBe(7);
    expect((await connection.query<{ n: number }>('SELECT 4 / $1::int AS n', [2], { prepare: true }))[0].n).toBe(2);
  });

  it('tells of a COPY that is refused after its end, and goes on', async () => {
    const connection = await open();
    await connection.run('CREATE TEMP TABLE copied (id INT PRIMARY KEY)');
    const copyTwice = async (): Promise<void> => {
      const rows = new RowBuffer();
      rows.start();
      for (const id of [1, 1]) {
        rows.row(1);
        rows.int32(id);
      }
      rows.end();
      const copy = connection.copyIn('COPY copied FROM STDIN (FORMAT binary)');
      await copy.write(rows.bytes());
      await copy.end();
    };
    await expect(transaction(connection, copyTwice)).rejects.toMatchObject({ code: '23505' });
    expect(connection.inTransaction).toBe(false);
    expect(await connection.query('SELECT * FROM copied')).toHaveLength(0);
  });

  it('goes on after a COPY into nothing, whose data the server never wanted', async () => {
    const connection = await open();
    const copy = connection.copyIn('COPY no_such_table FROM STDIN');
    await copy.write(Buffer.from('1\n')).catch(() => undefined);
    await expect(copy.end()).rejects.toMatchObject({ code: '42P01' });
    expect(await connection.query('SELECT 1')).toHaveLength(1);
  });

  it('breaks a COPY off when it is aborted', async () => {
    const connection = await open();
    await connection.run('CREATE TEMP TABLE broken_off (id TEXT)');
    const abort = new AbortController();
    const copy = connection.copyIn('COPY broken_off FROM STDIN', abort.signal);
    await copy.write(Buffer.from('1\n'));
    abort.abort();
    await expect(copy.end()).rejects.toMatchObject({ code: '57014' });
    expect(await connection.query('SELECT * FROM broken_off')).toHaveLength(0);
  });

  it('rejects what waits for it when it is ended by the server, and nothing else happens', async () => {
    const running = await open();
    const pid = await pidOf(running);
    const waiting = [running.query('SELECT pg_sleep(60)'), running.query('SELECT 1')];
    const results = Promise.allSettled(waiting);
    await kill(pid);
    expect((await results).map((result) => result.status)).toEqual(['rejected', 'rejected']);
    expect(running.broken).toBeDefined();
    await expect(running.query('SELECT 1')).rejects.toMatchObject({ name: 'PostgresError' });
  });

  it('leaves a transaction whose connection broke in between to the server', async () => {
    const connection = await open();
    const pid = await pidOf(connection);
    const work = transaction(connection, async () => {
      await connection.query('SELECT 1');
      await kill(pid);
      // The next statement finds the connection ended, or on its way there.
      await connection.query('SELECT 2');
      await connection.query('SELECT 3');
    });
    await expect(work).rejects.toMatchObject({ name: 'PostgresError' });
    expect(connection.broken).toBeDefined();
  });

  it('says so when nobody listens at the address', async () => {
    const address = parseAddress('postgres://u@127.0.0.1:1/d', {});
    await expect(Connection.open(address, { statementTimeoutMs: 1000, settings: {} })).rejects.toMatchObject({
      code: 'ECONNREFUSED',
    });
  });

  it('goes on to the next host of several', async () => {
    const second = new URL(database.url);
    const url = database.url.replace(second.host, `127.0.0.1:1,${second.host}`);
    const connection = await Connection.open(parseAddress(url), { statementTimeoutMs: 1000, settings: {} });
    opened.push(connection);
    expect(await connection.query('SELECT 1')).toHaveLength(1);
  });

  it('does not take a failed transaction for a committed one', async () => {
    const connection = await open();
    const work = transaction(connection, async () => {
      await connection.query('SELECT 1 / 0').catch(() => undefined);
    });
    await expect(work).rejects.toMatchObject({ code: '25P02' });
  });
});

describe('a pool', () => {
  const poolOf = (max: number): Pool => new Pool({ open: () => open(), max, idleMs: 60_000, waitMs: 5000 });

  it('never opens more connections than it may, and serves everybody', async () => {
    const pool = poolOf(2);
    const used = new Set<Connection>();
    await Promise.all(
      Array.from({ length: 20 }, () =>
        pool.with(async (connection) => {
          used.add(connection);
          await connection.query('SELECT 1');
        }),
      ),
    );
    expect(used.size).toBeLessThanOrEqual(2);
    await pool.end(1000);
  });

  it('replaces a connection that broke', async () => {
    const pool = poolOf(1);
    const pid = await pool.with(pidOf);
    await kill(pid);
    await pool.with((connection) => connection.query('SELECT 1')).catch(() => undefined);
    expect(await pool.with(pidOf)).not.toBe(pid);
    await pool.end(1000);
  });

  it('does not hand on a connection that was left within a transaction', async () => {
    const pool = poolOf(1);
    const pid = await pool.with(async (connection) => {
      await connection.run('BEGIN');
      return pidOf(connection);
    });
    expect(await pool.with(pidOf)).not.toBe(pid);
    await pool.end(1000);
  });

  it('rejects those who wait when it ends', async () => {
    const pool = poolOf(1);
    let release = (): void => undefined;
    const held = new Promise<void>((resolve) => (release = resolve));
    const first = pool.with(() => held);
    const second = pool.with(() => Promise.resolve());
    const ended = pool.end(5000);
    await expect(second).rejects.toMatchObject({ code: 'CONNECTION_ENDED' });
    release();
    await first;
    await ended;
    await expect(pool.with(() => Promise.resolve())).rejects.toMatchObject({ code: 'CONNECTION_ENDED' });
  });
});
