import { describeInstrumentation } from '@forge/instrumentation/conformance';
import { createTestDatabase, type TestDatabase } from '@forge/testing/postgres';
import pgModule from 'pg';
import Cursor from 'pg-cursor';
import QueryStream from 'pg-query-stream';
import { afterAll, beforeAll } from 'vitest';
import { pg } from './index.ts';

const { Client, Pool } = pgModule;
type Pool = pgModule.Pool;

let database: TestDatabase;

beforeAll(async () => {
  database = await createTestDatabase();
  const client = new Client(database.url);
  await client.connect();
  await client.query('create table users (id int primary key, email text)');
  await client.query("insert into users values (1, 'ann@example.com'), (2, 'bob@example.com'), (3, 'cy@example.com')");
  await client.end();
});

afterAll(() => database.drop());

describeInstrumentation<Pool>('pg', {
  make: pg,
  modules: { pg: pgModule },
  patched: () => [Client.prototype, Object.getPrototypeOf(Pool.prototype) as object],
  open: (kit) => new (kit.module('pg') as typeof pgModule).Pool({ connectionString: database.url, max: 1 }),
  close: (opened) => opened.end(),
  cases: {
    'a query': {
      run: async (opened, seen) => {
        const { rows, rowCount } = await opened.query('select id from users where id > $1 order by id', [1]);
        seen.caller('after the query');
        return [rows, rowCount];
      },
      spans: ['db.query SELECT users'],
      tags: { 'db.query SELECT users': { operation: 'SELECT', table: 'users', rows: 2 } },
    },
    'a query with a callback': {
      run: (opened, seen) =>
        new Promise((resolve, reject) => {
          opened.query('select id from users order by id', (error: Error | null, result) => {
            seen.caller('in the callback');
            if (error) reject(error);
            else resolve(result.rows);
          });
        }),
      spans: ['db.query SELECT users'],
    },
    'a query that fails': {
      run: (opened) => opened.query("insert into users values (1, 'again')"),
      spans: ['db.query INSERT users'],
      fails: ['db.query INSERT users'],
    },
    'a client of the pool, a cursor and a stream': {
      run: async (opened, seen) => {
        const client = await opened.connect();
        try {
          seen.caller('with the client');
          const { rows } = await client.query({ text: 'select id from users where id = 1' });
          const cursor = client.query(new Cursor('select id from users order by id'));
          const read = await cursor.read(2);
          seen.caller('after the read');
          await cursor.close();
          const streamed: unknown[] = [];
          const stream = client.query(new QueryStream('select email from users order by id'));
          stream.on('data', (row: unknown) => {
            seen.caller('in the stream');
            streamed.push(row);
          });
          await new Promise((resolve, reject) => stream.once('end', resolve).once('error', reject));
          return [rows, read, streamed];
        } finally {
          client.release();
        }
      },
      spans: ['db.query SELECT users', 'db.query SELECT users', 'db.query SELECT users'],
    },
    'queries that wait for each other': {
      run: async (opened) => {
        const results = await Promise.all([1, 2].map((n) => opened.query('select $1::int as n', [n])));
        return results.map((result) => result.rows as unknown);
      },
      spans: ['db.query SELECT', 'db.query SELECT'],
    },
  },
});
