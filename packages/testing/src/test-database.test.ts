import postgres from 'postgres';
import { describe, expect, it } from 'vitest';
import { createTestDatabase } from './postgres.ts';

async function query(url: string, statement: string): Promise<Record<string, unknown>[]> {
  const sql = postgres(url, { max: 1 });
  try {
    return [...(await sql.unsafe(statement))];
  } finally {
    await sql.end();
  }
}

describe('createTestDatabase', () => {
  it('gives each caller an empty database of its own', async () => {
    const [a, b] = await Promise.all([createTestDatabase(), createTestDatabase()]);
    await query(a.url, 'CREATE TABLE mine (id int)');
    expect(await query(b.url, `SELECT to_regclass('mine') AS found`)).toEqual([{ found: null }]);
    await Promise.all([a.drop(), b.drop()]);
  });

  it('prepares a template once, however many clone it at the same time', async () => {
    let prepared = 0;
    const prepare = async (url: string): Promise<void> => {
      prepared++;
      await query(url, 'CREATE TABLE orders AS SELECT 42 AS id');
    };
    const databases = await Promise.all([1, 2, 3].map(() => createTestDatabase({ key: 'prepared once', prepare })));
    for (const { url } of databases) expect(await query(url, 'SELECT id FROM orders')).toEqual([{ id: 42 }]);
    expect(prepared).toBe(1);
    await Promise.all(databases.map((database) => database.drop()));
  });

  it('prepares again after a preparation that failed half-way', async () => {
    const key = 'fails at first';
    await expect(
      createTestDatabase({
        key,
        prepare: async (url) => {
          await query(url, 'CREATE TABLE half (id int)');
          throw new Error('no luck');
        },
      }),
    ).rejects.toThrow('no luck');
    const database = await createTestDatabase({
      key,
      prepare: async (url) => void (await query(url, 'CREATE TABLE half (id int)')),
    });
    expect(await query(database.url, 'SELECT count(*)::int AS n FROM half')).toEqual([{ n: 0 }]);
    await database.drop();
  });

  it('drops a database that still has connections', async () => {
    const database = await createTestDatabase();
    const sql = postgres(database.url, { max: 1, onclose: () => undefined });
    await sql`SELECT 1`;
    await database.drop();
    await expect(query(database.url, 'SELECT 1')).rejects.toThrow('does not exist');
    await sql.end({ timeout: 0 });
  });
});
