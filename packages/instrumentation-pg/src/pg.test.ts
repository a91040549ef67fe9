import {
  activeContext,
  contextWithSpan,
  isSuppressed,
  runInContext,
  spanOf,
  withoutTracing,
  type Span,
} from '@forge/core';
import { createRegistry, installRegistry, type InstrumentationRegistry } from '@forge/instrumentation';
import { createPropagation } from '@forge/propagation';
import { createRecorder, type Recorder } from '@forge/testing';
import { createTestDatabase, type TestDatabase } from '@forge/testing/postgres';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import pgModule from 'pg';
import { from as copyFrom, to as copyTo } from 'pg-copy-streams';
import Cursor from 'pg-cursor';
import QueryStream from 'pg-query-stream';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { pg, tracePg } from './index.ts';

const { Client, Pool, Query } = pgModule;
type Pool = pgModule.Pool;
type Client = pgModule.Client;

const propagation = {
  inject: () => undefined,
  extract: (context: never) => context,
  respond: () => undefined,
  heed: () => undefined,
};

let database: TestDatabase;
let pool: Pool;
let recorder: Recorder;
let registry: InstrumentationRegistry;
let uninstall: () => void;

beforeAll(async () => {
  database = await createTestDatabase();
  pool = new Pool({ connectionString: database.url, max: 3 });
  await pool.query('create table users (id int primary key, email text)');
});

afterAll(async () => {
  await pool.end();
  await database.drop();
});

beforeEach(async () => {
  await pool.query('truncate users');
  await pool.query("insert into users values (1, 'ann@example.com'), (2, 'bob@example.com'), (3, 'cy@example.com')");
  recorder = createRecorder();
  registry = createRegistry({
    provider: recorder.provider,
    propagation,
    diagnostics: recorder.diagnostics,
    onModule(module, patch) {
      if (module === 'pg') patch(pgModule, { name: module, version: '8.23.1', kind: 'cjs' });
      return () => undefined;
    },
  });
  registry.enable([pg()]);
  uninstall = installRegistry(registry);
});

afterEach(() => {
  nothingIsLeft();
  registry.disable();
  uninstall();
});

function nothingIsLeft(): void {
  expect([...recorder.open].map((span) => span.name)).toEqual([]);
  expect(registry.states()).toMatchObject([{ notes: [] }]);
}

async function inSpan<T>(fn: () => Promise<T>, name = 'root'): Promise<Span> {
  const span = recorder.provider.getTracer('test').start(name);
  await runInContext(contextWithSpan(activeContext(), span), fn);
  span.end();
  return span;
}

async function withClient<T>(fn: (client: Client) => Promise<T>): Promise<T> {
  const client = new Client(database.url);
  await client.connect();
  try {
    return await fn(client);
  } finally {
    await client.end();
  }
}

function query(): Span {
  return recorder.only('db.query');
}

function activeSpanId(): string | undefined {
  return spanOf(activeContext())?.spanContext().spanId;
}

describe('a query', () => {
  it('by a pool is one span with its verb, table, text, rows and database', async () => {
    const root = await inSpan(async () => {
      const { rows } = await pool.query("select id from users where id > $1 and email <> 'x' order by id", [1]);
      expect(rows).toEqual([{ id: 2 }, { id: 3 }]);
    });
    expect(query()).toMatchObject({ resource: 'SELECT users', kind: 2, parentSpanId: root.spanId, status: 0 });
    expect(recorder.tags(query())).toEqual({
      operation: 'SELECT',
      table: 'users',
      query: 'select id from users where id > $1 and email <> ? order by id',
      database: database.name,
      rows: 2,
    });
  });

  it('by a client, prepared by a name, is one span each time', async () => {
    await withClient(async (client) => {
      const prepared = { name: 'by-id', text: 'select id from users where id = $1', values: [1] };
      await client.query(prepared);
      await client.query({ ...prepared, values: [2] });
    });
    expect(recorder.spans.map((span) => span.resource)).toEqual(['SELECT users', 'SELECT users']);
  });

  it('records its error, and the application gets that same error', async () => {
    const thrown: unknown = await pool.query("insert into users values (1, 'again')").catch((error: unknown) => error);
    expect(thrown).toBeInstanceOf(pgModule.DatabaseError);
    expect((thrown as Error).stack).toContain('pg.test.ts');
    expect(recorder.tags(query())).toMatchObject({ 'db.error_code': '23505', operation: 'INSERT' });
    recorder.clear();
    await expect(pool.query("select 's3cret'::int")).rejects.toThrow('s3cret');
    expect(JSON.stringify([query().events, query().statusMessage, query().attributes])).not.toContain('s3cret');
  });

  it('of several statements counts all their rows', async () => {
    await pool.query('delete from users where id = 1; select * from users; set application_name = x');
    expect(query().resource).toBe('DELETE users SELECT users SET');
    expect(recorder.tags(query())['rows']).toBe(3);
  });

  it('with a callback calls it back in the context of the call, from pools and clients', async () => {
    await withClient(async (client) => {
      for (const target of [pool, client]) {
        recorder.clear();
        const seen: unknown[] = [];
        const root = await inSpan(async () => {
          const span = activeSpanId();
          await new Promise<void>((resolve, reject) => {
            target.query('select id from users where id = $1', [1], (error, result) => {
              seen.push(activeSpanId(), span, result.rows);
              if (error) reject(error);
              else resolve();
            });
          });
        });
        expect(seen).toEqual([root.spanId, root.spanId, [{ id: 1 }]]);
        expect(query().parentSpanId).toBe(root.spanId);
      }
    });
  });

  it('with its callback in the config leaves the config as it was', async () => {
    await withClient(async (client) => {
      class Statement {
        calls = 0;
        get text(): string {
          return 'select id from users where id = 1';
        }
        callback = (error: unknown): void => {
          expect(error).toBeNull();
          this.calls++;
        };
      }
      const statement = new Statement();
      const { callback } = statement;
      client.query(statement as never);
      client.query(statement as never);
      await client.query('select 1');
      expect(statement.callback).toBe(callback);
      expect(statement.calls).toBe(2);
    });
    expect(recorder.spans.map((span) => span.resource)).toEqual(['SELECT users', 'SELECT users', 'SELECT']);
  });

  it('in a transaction is traced as the statements that it is made of', async () => {
    await inSpan(async () => {
      const client = await pool.connect();
      try {
        await client.query('begin');
        await client.query('update users set email = $1 where id = 1', ['x']);
        await client.query('rollback');
      } finally {
        client.release();
      }
    });
    expect(recorder.tree()).toEqual(['root', '  db.query BEGIN', '  db.query UPDATE users', '  db.query ROLLBACK']);
  });

  it('is not traced where tracing is suppressed', async () => {
    await withoutTracing(() => pool.query('select 1'));
    await withoutTracing(
      () =>
        new Promise<void>((resolve) => {
          pool.query('select 1', () => {
            expect(isSuppressed(activeContext())).toBe(true);
            resolve();
          });
        }),
    );
    expect(recorder.spans).toEqual([]);
  });

  it('that is nonsense fails as before', async () => {
    await withClient(async (client) => {
      expect(() => client.query(null as never)).toThrow('Client was passed a null or undefined query');
      expect(() => client.query('select 1', [], 5 as never)).toThrow('callback is not a function');
      await expect(client.query({} as never)).rejects.toThrow('A query must have either text or a name');
    });
    await expect(
      new Promise((_resolve, reject) => void pool.query(((error: Error) => reject(error)) as never)),
    ).rejects.toThrow('Passing a function as the first parameter');
    expect(recorder.spans.map((span) => span.status)).toEqual([2, 2]);
  });
});

describe('a busy pool', () => {
  it('says how long a query waited, and keeps each caller in its own context', async () => {
    const small = new Pool({ connectionString: database.url, max: 1 });
    await small.query('select 1');
    recorder.clear();
    const roots = await Promise.all(
      [0, 1, 2].map((i) =>
        inSpan(async () => {
          const mine = activeSpanId();
          await new Promise<void>((resolve, reject) => {
            small.query(`select pg_sleep(0.1), ${i} as n${i}`, (error: unknown) => {
              expect(activeSpanId()).toBe(mine);
              if (error) reject(error);
              else resolve();
            });
          });
        }, `root ${i}`),
      ),
    );
    const queries = recorder.spans.filter((span) => span.name === 'db.query');
    expect(queries.map((span) => span.parentSpanId)).toEqual(roots.map((root) => root.spanId));
    const waits = queries.map((span) => recorder.tags(span)['pool_wait_ms'] as number | undefined);
    expect(waits[0]).toBeUndefined();
    expect(waits[1]).toBeGreaterThan(80);
    expect(waits[2]).toBeGreaterThan(180);
    await small.end();
  });

  it('tells the wait for a client with its first query', async () => {
    const small = new Pool({ connectionString: database.url, max: 1 });
    const first = await small.connect();
    const seen: unknown[] = [];
    const second = inSpan(async () => {
      const mine = activeSpanId();
      const client = await new Promise<pgModule.PoolClient | undefined>((resolve) => {
        small.connect((_error, connected) => {
          seen.push(activeSpanId(), mine);
          resolve(connected);
        });
      });
      await client?.query('select 1');
      client?.release();
    });
    await first.query('select pg_sleep(0.1)');
    recorder.clear();
    first.release();
    await second;
    expect(seen[0]).toBe(seen[1]);
    expect(recorder.tags(query())['pool_wait_ms']).toBeGreaterThan(80);
    await small.end();
  });

  it('that cannot connect makes a span with the error', async () => {
    const dead = new Pool({ host: '127.0.0.1', port: 1, database: 'x' });
    await expect(dead.query('select * from users')).rejects.toMatchObject({ code: 'ECONNREFUSED' });
    expect(query()).toMatchObject({ status: 2, resource: 'SELECT users' });
    await dead.end();
    recorder.clear();
    await expect(dead.query('select 1')).rejects.toThrow('Cannot use a pool after calling end on the pool');
    expect(query().status).toBe(2);
  });

  it('gives what its listeners ask first spans of their own', async () => {
    const listened = new Pool({ connectionString: database.url, max: 1 });
    listened.on('connect', (client) => void client.query("set application_name = 'x'"));
    await listened.query('select id from users where id = 1');
    expect(recorder.spans.map((span) => span.resource)).toEqual(['SET', 'SELECT users']);
    await listened.end();
  });
});

describe('rows that come in parts', () => {
  it('a cursor is one span with all rows, its callbacks in the context of each read', async () => {
    await withClient(async (client) => {
      const root = await inSpan(async () => {
        const cursor = client.query(new Cursor('select id from users order by id'));
        const mine = activeSpanId();
        const rows = await new Promise<unknown[]>((resolve, reject) => {
          cursor.read(2, (error: Error | undefined, read: unknown[]) => {
            expect(activeSpanId()).toBe(mine);
            if (error) reject(error);
            else resolve(read);
          });
        });
        expect(rows).toEqual([{ id: 1 }, { id: 2 }]);
        expect(await cursor.read(2)).toEqual([{ id: 3 }]);
        await recorder.ended(1);
      });
      expect(query()).toMatchObject({ resource: 'SELECT users', parentSpanId: root.spanId });
      expect(recorder.tags(query())['rows']).toBe(3);
    });
  });

  it('a cursor that is closed early ends its span, one that fails says so', async () => {
    await withClient(async (client) => {
      const cursor = client.query(new Cursor('select id from users order by id'));
      await cursor.read(1);
      await cursor.close();
      expect(recorder.tags(query())['rows']).toBe(1);
      recorder.clear();
      const failing = client.query(new Cursor('select 1 / (2 - id) from users order by id'));
      await expect(failing.read(5)).rejects.toMatchObject({ code: '22012' });
      await client.query('select 1');
      expect(recorder.tags(recorder.spans[0])).toMatchObject({ 'db.error_code': '22012', rows: 1 });
    });
  });

  it('a stream is one span, its events in the context of the query', async () => {
    await withClient(async (client) => {
      await inSpan(() => client.query('select 1'), 'first');
      recorder.clear();
      const root = await inSpan(async () => {
        const mine = activeSpanId();
        const stream = client.query(new QueryStream('select id from users order by id', [], { batchSize: 2 }));
        const ids: unknown[] = [];
        stream.on('data', (row: { id: number }) => {
          expect(activeSpanId()).toBe(mine);
          ids.push(row.id);
        });
        await new Promise((resolve) => stream.once('end', resolve));
        expect(ids).toEqual([1, 2, 3]);
      });
      await client.query('select 1');
      const stream = recorder.spans.find((span) => span.resource === 'SELECT users')!;
      expect(stream.parentSpanId).toBe(root.spanId);
      expect(recorder.tags(stream)['rows']).toBe(3);
    });
  });

  it('a query with events is one span, its events in the context of the query', async () => {
    await withClient(async (client) => {
      await inSpan(() => client.query('select 1'), 'first');
      recorder.clear();
      await inSpan(async () => {
        const mine = activeSpanId();
        const ids: unknown[] = [];
        const events = client.query(new Query('select id from users order by id'));
        await new Promise<void>((resolve, reject) => {
          events.on('row', (row: { id: number }) => {
            expect(activeSpanId()).toBe(mine);
            ids.push(row.id);
          });
          events.on('error', reject);
          events.on('end', () => resolve());
        });
        expect(ids).toEqual([1, 2, 3]);
      });
      expect(recorder.tags(query())['rows']).toBe(3);
    });
  });

  it('COPY is one span with its rows, both ways', async () => {
    await withClient(async (client) => {
      await pipeline(Readable.from(['7\tx\n8\ty\n']), client.query(copyFrom('copy users from stdin')));
      expect(recorder.tags(query())).toMatchObject({ operation: 'COPY', table: 'users', rows: 2 });
      recorder.clear();
      let text = '';
      for await (const chunk of client.query(copyTo('copy users to stdout'))) text += String(chunk);
      expect(text.split('\n')).toHaveLength(6);
      await client.query('select 1');
      expect(recorder.tags(recorder.spans[0])).toMatchObject({ operation: 'COPY', rows: 5 });
    });
  });
});

describe('with sqlcommenter', () => {
  it('statements carry the trace to the server, prepared ones do not, and no span shows it', async () => {
    registry.disable();
    uninstall();
    registry = createRegistry({
      provider: recorder.provider,
      propagation: createPropagation(),
      diagnostics: recorder.diagnostics,
    });
    registry.enable([pg({ sqlcommenter: true })]);
    uninstall = installRegistry(registry);
    const text = 'select query from pg_stat_activity where pid = pg_backend_pid()';
    await withClient(async (bare) => {
      const client = tracePg(bare);
      const sent: unknown[] = [];
      const own = `${text} /* own */`;
      for (const config of [text, { text }, new Cursor(text), { name: 'x', text }, own]) {
        recorder.clear();
        const rows: unknown =
          config instanceof Cursor ? await client.query(config).read(2) : (await client.query(config)).rows;
        await recorder.ended(1);
        const { traceId, spanId } = query();
        const comment = ` /*traceparent='00-${traceId}-${spanId}-03',tracestate='forge%3Dp%3A${spanId}'*/`;
        const [row] = rows as { query: string }[];
        sent.push(row?.query === text + comment ? 'commented' : row?.query);
        expect(recorder.tags(query())['query']).not.toContain('traceparent');
      }
      expect(sent).toEqual(['commented', 'commented', 'commented', text, `${text} /* own */`]);
    });
  });
});

describe('one pool alone', () => {
  it('is traced by tracePg, with its clients, also where its class is traced too, and once', async () => {
    const own = new Pool({ connectionString: database.url, max: 1 });
    expect(tracePg(own)).toBe(own);
    expect(tracePg(own)).toBe(own);
    for (const classToo of [true, false]) {
      if (!classToo) {
        registry.disable();
        uninstall();
        registry = createRegistry({ provider: recorder.provider, propagation, diagnostics: recorder.diagnostics });
        registry.enable([pg()]);
        uninstall = installRegistry(registry);
        await pool.query('select 1');
      }
      recorder.clear();
      await own.query('select 1');
      const client = await own.connect();
      await client.query('select id from users');
      client.release();
      expect(recorder.spans.map((span) => span.resource)).toEqual(['SELECT', 'SELECT users']);
    }
    await own.end();
  });

  it('or client', async () => {
    await withClient(async (client) => {
      await tracePg(client).query('select 1');
      expect(recorder.spans).toHaveLength(1);
    });
  });
});
