import { activeContext, contextWithSpan, runInContext, spanOf, withoutTracing, type Span } from '@forge/core';
import { createRegistry, installRegistry, type InstrumentationRegistry } from '@forge/instrumentation';
import { describeInstrumentation } from '@forge/instrumentation/conformance';
import { createPropagation } from '@forge/propagation';
import { createRecorder, type Recorder } from '@forge/testing';
import { createTestDatabase, type TestDatabase } from '@forge/testing/postgres';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { pipeline } from 'node:stream/promises';
import postgresJs, { type Sql } from 'postgres';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { postgres, tracePostgres } from './index.ts';

const propagation = {
  inject: () => undefined,
  extract: (context: never) => context,
  respond: () => undefined,
  heed: () => undefined,
};

let database: TestDatabase;
let raw: Sql;
let sql: Sql;
let recorder: Recorder;
let registry: InstrumentationRegistry;
let uninstall: () => void;

beforeAll(async () => {
  database = await createTestDatabase();
  raw = postgresJs(database.url, { max: 3, onnotice: () => undefined });
  await raw`create table users (id int primary key, email text)`;
});

afterAll(async () => {
  await raw.end();
  await database.drop();
});

beforeEach(async () => {
  recorder = createRecorder();
  registry = createRegistry({ provider: recorder.provider, propagation, diagnostics: recorder.diagnostics });
  registry.enable([postgres()]);
  uninstall = installRegistry(registry);
  await raw`truncate users`;
  await raw`insert into users values (1, 'ann@example.com'), (2, 'bob@example.com'), (3, 'cy@example.com')`;
  sql = tracePostgres(raw);
});

afterEach(() => {
  nothingIsLeft();
  registry.disable();
  uninstall();
});

/** Every span has ended, and no hook has failed. */
function nothingIsLeft(): void {
  expect([...recorder.open].map((span) => span.name)).toEqual([]);
  expect(registry.states()).toMatchObject([{ notes: [] }]);
}

/** Runs `fn` under a span named `root`, and returns that span. */
async function inSpan<T>(fn: () => Promise<T>, name = 'root'): Promise<Span> {
  const span = recorder.provider.getTracer('test').start(name);
  await runInContext(contextWithSpan(activeContext(), span), fn);
  span.end();
  return span;
}

function query(): Span {
  return recorder.only('db.query');
}

describe('a query', () => {
  it('becomes a span with its verb, table, text, rows and database, below the span it was made in', async () => {
    const root = await inSpan(async () => {
      const users = await sql`select * from users where id > ${1} and email <> 'x'`;
      expect([...users]).toEqual([
        { id: 2, email: 'bob@example.com' },
        { id: 3, email: 'cy@example.com' },
      ]);
    });
    expect(query()).toMatchObject({ resource: 'SELECT users', kind: 2, parentSpanId: root.spanId, status: 0 });
    expect(recorder.tags(query())).toEqual({
      operation: 'SELECT',
      table: 'users',
      query: 'select * from users where id > $1 and email <> ?',
      database: database.name,
      rows: 2,
    });
  });

  it('records its error, with the SQLSTATE, and the application gets that same error', async () => {
    const thrown = await sql`insert into users values (1, 'again')`.catch((error: unknown) => error);
    expect(thrown).toBeInstanceOf(postgresJs.PostgresError);
    expect(query()).toMatchObject({ status: 2, resource: 'INSERT users' });
    expect(query().statusMessage).toContain('users_pkey');
    expect(recorder.tags(query())).toMatchObject({ 'db.error_code': '23505' });
  });

  it('that fails shows where it was written, as with the bare client', async () => {
    // Each its own template: where one was first used is remembered.
    const thrown = await Promise.all([
      raw`select 1 / ${0}`.catch((error: unknown) => error as Error),
      sql`select 2 / ${0}`.catch((error: unknown) => error as Error),
      sql.begin((tx) => tx`select 3 / ${0}`).catch((error: unknown) => error as Error),
    ]);
    expect(thrown.map((error) => (error as Error).stack?.includes('postgres.test.ts'))).toEqual([true, true, true]);
  });

  it('shows no value in an error either', async () => {
    await expect(sql`select ${'s3cret'}::int`).rejects.toThrow('s3cret');
    await expect(sql.unsafe("select 's3cret'::int from users")).rejects.toThrow('s3cret');
    expect(
      JSON.stringify(recorder.spans.map((span) => [span.attributes, span.events, span.statusMessage])),
    ).not.toContain('s3cret');
  });

  it('counts the rows of INSERT, UPDATE and of several statements at once', async () => {
    await sql`insert into users values (4, 'd'), (5, 'e')`;
    await sql`update users set email = 'x' where id > 3`;
    await sql.unsafe('delete from users where id = 4; select * from users');
    await sql`set application_name = 'x'`;
    expect(recorder.spans.map((span) => [span.resource, recorder.tags(span)['rows']])).toEqual([
      ['INSERT users', 2],
      ['UPDATE users', 2],
      ['DELETE users SELECT users', 5],
      ['SET', undefined],
    ]);
  });

  it('has its fragments in its text, and they make no spans of their own', async () => {
    const fragment = sql`where id = ${2}`;
    const order = [sql`order by id`, sql`desc`];
    await sql`select ${sql(['id', 'email'])} from ${sql('users')} ${fragment} ${order}`;
    expect(recorder.tags(query())['query']).toBe('select "id","email" from "users" where id = $1  order by id desc');
    expect(query().resource).toBe('SELECT users');
  });

  it('makes no span while it is only held, and one when it is executed, whichever way', async () => {
    const held = sql`select 1`;
    await raw`select 1`;
    expect(recorder.spans).toHaveLength(0);
    await held;
    await held;
    expect(recorder.spans).toHaveLength(1);
    await sql`select 1`.execute();
    await sql`select 1`.then((rows) => rows);
    await sql`select 1`.finally(() => undefined);
    await Promise.all([sql`select 1`, sql`select 1`]);
    expect(recorder.spans).toHaveLength(6);
  });

  it('belongs to the span in which it was executed, also when many share one connection', async () => {
    const client = postgresJs(database.url, { max: 1 });
    const one = tracePostgres(client);
    const roots = await Promise.all(
      Array.from({ length: 20 }, (_, i) =>
        inSpan(async () => {
          const span = spanOf(activeContext());
          await one`select ${i}::int as a`;
          expect(spanOf(activeContext())).toBe(span);
        }, `root ${i}`),
      ),
    );
    const parents = recorder.spans.filter((span) => span.name === 'db.query').map((span) => span.parentSpanId);
    expect(new Set(parents)).toEqual(new Set(roots.map((root) => root.spanId)));
    await client.end();
  });

  it.each<[string, (client: Sql) => Promise<unknown>]>([
    ['values', (client) => client`select id from users order by id`.values()],
    ['raw', (client) => client`select id from users order by id`.raw()],
    ['simple', (client) => client`select id from users order by id`.simple()],
    [
      'describe',
      (client) => client`select id from users`.describe().then(({ string, columns }) => [string, columns.length]),
    ],
    ['unsafe with parameters', (client) => client.unsafe('select id from users where id = $1', [2])],
    ['unsafe prepared', (client) => client.unsafe('select id from users', [], { prepare: true })],
    ['an array parameter', (client) => client`select id from users where id = any(${[1, 2]})`],
    ['json', (client) => client`select ${client.json({ a: 1 })}::jsonb as a`],
    ['an insert helper', (client) => client`insert into users ${client([{ id: 9, email: 'z' }])} returning id`],
    ['an empty result', (client) => client`select 1 from users where false`],
  ])('answers as the bare client does: %s', async (_what, run) => {
    const rollback = new Error('rollback');
    const results: unknown[] = [];
    for (const client of [raw, sql]) {
      await client
        .begin(async (tx) => {
          results.push(await run(tx as unknown as Sql));
          throw rollback;
        })
        .catch((error: unknown) => {
          if (error !== rollback) throw error;
        });
    }
    expect(results[1]).toEqual(results[0]);
    expect(query().status).toBe(0);
  });

  it('belongs to the span in which it was written, though it be executed later', async () => {
    let written: PromiseLike<unknown> | undefined;
    const root = await inSpan(async () => {
      written = sql`select 1 from users`;
    });
    await inSpan(async () => void (await written), 'other');
    expect(query().parentSpanId).toBe(root.spanId);
  });

  it('is not traced where tracing is suppressed', async () => {
    await withoutTracing(() => sql`select 1`);
    await inSpan(() => withoutTracing(async () => sql`select 1`));
    expect(recorder.names()).toEqual(['root']);
  });

  it('is cancelled as before, and the span says so', async () => {
    const slow = sql`select pg_sleep(30)`;
    const started = slow.execute();
    await raw`select 1`;
    started.cancel();
    await expect(slow).rejects.toMatchObject({ code: '57014' });
    expect(recorder.tags(query())).toMatchObject({ 'db.error_code': '57014', operation: 'SELECT' });
  });

  it('says how long it waited for a connection, and nothing when it did not', async () => {
    await Promise.all([sql`select 1`, sql`select 1`, sql`select 1`]);
    recorder.clear();
    await sql`select 1`;
    expect(recorder.tags(query())).not.toHaveProperty('pool_wait_ms');
    recorder.clear();
    const client = postgresJs(database.url, { max: 1 });
    const one = tracePostgres(client);
    await one`select 1`;
    recorder.clear();
    await Promise.all([one`select pg_sleep(0.2)`, one`select 2`]);
    const waited = recorder.spans.map((span) => recorder.tags(span)['pool_wait_ms']);
    expect(waited[0]).toBeUndefined();
    expect(waited[1]).toBeGreaterThan(150);
    await client.end();
  });
});

describe('a query that fails before the server sees it', () => {
  it('is a span with an error when the server is away', async () => {
    const client = tracePostgres(
      postgresJs('postgres://127.0.0.1:1/x', { max: 1, connect_timeout: 1, backoff: false as never }),
    );
    await expect(client`select * from users`).rejects.toMatchObject({ code: 'ECONNREFUSED' });
    expect(query()).toMatchObject({ status: 2, resource: 'SELECT users' });
    expect(recorder.tags(query())).toMatchObject({ 'db.error_code': 'ECONNREFUSED', database: 'x' });
  });

  it('is a span with an error when the client has ended', async () => {
    const client = postgresJs(database.url);
    await client.end();
    await expect(tracePostgres(client)`select 1`).rejects.toMatchObject({ code: 'CONNECTION_ENDED' });
    expect(recorder.tags(query())).toMatchObject({ 'db.error_code': 'CONNECTION_ENDED', query: 'select ?' });
  });

  it('is a span with an error when a parameter is undefined', async () => {
    await expect(sql`select * from users where id = ${undefined as never}`).rejects.toMatchObject({
      code: 'UNDEFINED_VALUE',
    });
    expect(recorder.tags(query())).toMatchObject({ 'db.error_code': 'UNDEFINED_VALUE', table: 'users' });
  });
});

describe('transactions and reserved connections', () => {
  it('trace what runs in them, savepoints too, in the context of each query', async () => {
    const root = await inSpan(() =>
      sql.begin(async (tx) => {
        await tx`insert into users values (7, 'g')`;
        await tx.savepoint(async (inner) => {
          await inner`update users set email = 'h' where id = 7`;
        });
        await tx.savepoint('named', (inner) => [inner`select count(*) from users`, inner`select 1`]);
        expect(await raw`select 1 from users where id = 7`).toHaveLength(0);
      }),
    );
    expect(await raw`select email from users where id = 7`).toEqual([{ email: 'h' }]);
    expect(recorder.tree()).toEqual([
      'root',
      '  db.query INSERT users',
      '  db.query UPDATE users',
      '  db.query SELECT users',
      '  db.query SELECT',
    ]);
    expect(recorder.spans[0]?.parentSpanId).toBe(root.spanId);
  });

  it('roll back with the first error as before', async () => {
    await expect(
      sql.begin('isolation level serializable', async (tx) => {
        await tx`insert into users values (8, 'x')`;
        await tx`insert into users values (1, 'again')`;
      }),
    ).rejects.toMatchObject({ code: '23505' });
    expect(await raw`select 1 from users where id = 8`).toHaveLength(0);
    expect(recorder.spans.map((span) => span.status)).toEqual([0, 2]);
  });

  it('give back what the callback gives', async () => {
    expect(await sql.begin(() => 5)).toBe(5);
    expect(
      (await sql.begin((tx) => [tx`select 1 as a`, tx`select 2 as a`])).map(([row]) => row['a'] as number),
    ).toEqual([1, 2]);
  });

  it('reserved: traced until released', async () => {
    const reserved = await sql.reserve();
    await reserved`select 1 from users`;
    reserved.release();
    expect(query().resource).toBe('SELECT users');
  });
});

describe('rows that come in parts', () => {
  it('a cursor as an iterator is one span, with all rows, and each step runs in the context of its loop', async () => {
    const root = await inSpan(async () => {
      const seen: unknown[] = [];
      for await (const rows of sql`select id from users order by id`.cursor(2)) {
        seen.push(rows.map((row) => row['id'] as number));
        expect(spanOf(activeContext())?.spanContext().spanId).toBeDefined();
        expect(recorder.names()).toEqual([]);
      }
      expect(seen).toEqual([[1, 2], [3]]);
    });
    expect(query().parentSpanId).toBe(root.spanId);
    expect(recorder.tags(query())['rows']).toBe(3);
  });

  it('a cursor that is left early ends its span', async () => {
    for await (const [row] of sql`select id from users order by id`.cursor()) {
      expect(row).toEqual({ id: 1 });
      break;
    }
    await recorder.ended(1);
    expect(recorder.tags(query())['rows']).toBe(1);
  });

  it('a cursor that fails on its way records the error', async () => {
    const failing = async (): Promise<void> => {
      for await (const rows of sql`select 1 / (3 - id) from users order by id`.cursor(1)) expect(rows).toHaveLength(1);
    };
    await expect(failing()).rejects.toMatchObject({ code: '22012' });
    expect(recorder.tags(query())).toMatchObject({ 'db.error_code': '22012', rows: 2 });
  });

  it('callbacks of cursor and forEach run in the context of the query, not of the connection', async () => {
    const client = postgresJs(database.url, { max: 1 });
    const one = tracePostgres(client);
    await inSpan(() => one`select 1`, 'first');
    const seen: unknown[] = [];
    const root = await inSpan(async () => {
      await one`select id from users`.forEach(() => seen.push(spanOf(activeContext())?.spanContext().spanId));
      await one`select id from users`.cursor(2, () => void seen.push(spanOf(activeContext())?.spanContext().spanId));
    });
    expect(seen).toEqual(Array.from({ length: 5 }, () => root.spanId));
    expect(
      recorder.spans.filter((span) => span.resource === 'SELECT users').map((span) => recorder.tags(span)['rows']),
    ).toEqual([3, 3]);
    await client.end();
  });

  it('an error thrown in a callback reaches the caller', async () => {
    const oops = new Error('oops');
    const failing = sql`select id from users`.cursor(1, () => {
      throw oops;
    });
    await expect(failing).rejects.toBe(oops);
    expect(query()).toMatchObject({ status: 2, statusMessage: 'oops' });
  });
});

describe('COPY', () => {
  it('in: the span ends when the server has taken all', async () => {
    const root = await inSpan(async () => {
      const writable = await sql`copy users (id, email) from stdin`.writable();
      expect(recorder.spans).toHaveLength(0);
      await pipeline(Readable.from(['10\tx\n', '11\ty\n']), writable);
      await recorder.ended(1);
    });
    expect(query()).toMatchObject({ resource: 'COPY users', parentSpanId: root.spanId });
    expect(recorder.tags(query())['rows']).toBe(2);
  });

  it('out: the stream is handed over in the context of the query', async () => {
    const client = postgresJs(database.url, { max: 1 });
    const one = tracePostgres(client);
    await inSpan(() => one`select 1`, 'first');
    recorder.clear();
    const root = await inSpan(async () => {
      const readable = await one`copy users to stdout`.readable();
      let text = '';
      readable.on('data', (chunk: Buffer) => {
        text += chunk.toString();
        expect(spanOf(activeContext())?.spanContext().spanId).toBe(root2());
      });
      await new Promise((resolve) => readable.once('end', resolve));
      expect(text.split('\n')).toHaveLength(4);
      await recorder.ended(1);
    });
    function root2(): string {
      return [...recorder.open].find((span) => span.name === 'root')!.spanId;
    }
    expect(query().parentSpanId).toBe(root.spanId);
    expect(recorder.tags(query())['rows']).toBe(3);
    await client.end();
  });

  it('in, refused: the span has the error', async () => {
    const client = postgresJs(database.url, { max: 1 });
    const pending = tracePostgres(client)`copy users (id) from stdin`;
    const writable = await pending.writable();
    writable.on('error', () => undefined);
    writable.end('1\n');
    await recorder.ended(1);
    expect(recorder.tags(query())['db.error_code']).toBe('23505');
    await client.end({ timeout: 0 });
  });
});

describe('the client', () => {
  it('is the same to the application: options, helpers, types, errors', async () => {
    expect(typeof sql).toBe('function');
    expect(sql.options).toBe(raw.options);
    expect(sql.parameters).toBe(raw.parameters);
    expect(sql.PostgresError).toBe(raw.PostgresError);
    expect(sql.typed).toBe(raw.typed);
    expect(sql.begin).toBe(sql.begin);
    expect(sql.begin.length).toBe(raw.begin.length);
    expect(sql`select 1`).toBeInstanceOf(Object.getPrototypeOf(raw`select 1`).constructor);
    expect(Object.keys(sql)).toEqual(Object.keys(raw));
    expect(() => (sql({ a: 1 }) as unknown as Promise<unknown>).then(undefined)).toThrow(
      'Query not called as a tagged template literal',
    );
  });

  it('traced twice is traced once', async () => {
    expect(tracePostgres(sql)).toBe(sql);
    expect(tracePostgres(raw)).toBe(sql);
    await tracePostgres(sql)`select 1`;
    expect(recorder.spans).toHaveLength(1);
  });

  it('listens and notifies as before', async () => {
    const heard = new Promise((resolve) => void sql.listen('news', resolve).then(() => sql.notify('news', 'hello')));
    expect(await heard).toBe('hello');
  });

  it('reads files', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'forge-sql-'));
    writeFileSync(join(folder, 'x.sql'), 'select email from users where id = $1');
    expect(await sql.file(join(folder, 'x.sql'), [1])).toEqual([{ email: 'ann@example.com' }]);
    rmSync(folder, { recursive: true });
    expect(query().resource).toBe('SELECT users');
    recorder.clear();
    await expect(sql.file(join(folder, 'x.sql'))).rejects.toMatchObject({ code: 'ENOENT' });
    expect(query().status).toBe(2);
  });

  it('is silent when the plugin is disabled, also for queries under way', async () => {
    const slow = sql`select pg_sleep(0.05)`.execute();
    await raw`select 1`;
    registry.disable();
    await slow;
    await sql`select 1`;
    expect(recorder.spans).toHaveLength(1);
  });
});

describe('with sqlcommenter', () => {
  it('statements that are not prepared carry the trace to the server, and no span shows it', async () => {
    registry.disable();
    uninstall();
    registry = createRegistry({
      provider: recorder.provider,
      propagation: createPropagation(),
      diagnostics: recorder.diagnostics,
    });
    registry.enable([postgres({ sqlcommenter: true })]);
    uninstall = installRegistry(registry);
    const text = 'select query from pg_stat_activity where pid = pg_backend_pid()';
    const unprepared = postgresJs(database.url, { max: 1, prepare: false });
    const own = tracePostgres(unprepared);
    const sent: unknown[] = [];
    for (const pending of [
      sql.unsafe(text),
      sql.unsafe(`${text} and pid > $1`, [0]),
      own`select query from pg_stat_activity where pid = pg_backend_pid() and pid > ${0}`,
      sql`select query from pg_stat_activity where pid = pg_backend_pid()`,
      sql.unsafe(`${text} /* own */`),
    ]) {
      recorder.clear();
      const [row] = await pending;
      const { traceId, spanId } = query();
      const comment = ` /*traceparent='00-${traceId}-${spanId}-03',tracestate='forge%3Dp%3A${spanId}'*/`;
      sent.push(String(row?.['query']).replace(comment, ' (commented)'));
      expect(recorder.tags(query())['query']).not.toContain('traceparent');
    }
    expect(sent).toEqual([
      `${text} (commented)`,
      `${text} and pid > $1 (commented)`,
      `${text} and pid > $1 (commented)`,
      text,
      `${text} /* own */`,
    ]);
    const error = await own`select ${'x'}::int`.catch((thrown: unknown) => thrown as postgresJs.PostgresError);
    expect((error as postgresJs.PostgresError).query).toMatch(/^select \$1::int \/\*traceparent/);
    await unprepared.end();
  });
});

describe('the module', () => {
  const cjs = fileURLToPath(import.meta.resolve('postgres')).replace(/(cjs\/)?src\/index/, 'cjs/src/index');

  it.each<[string, () => unknown]>([
    ['an ES module', () => import('postgres')],
    ['CommonJS', () => createRequire(import.meta.url)(cjs)],
  ])('patched as %s makes traced clients, and keeps what hangs on it', async (_what, load) => {
    const exports = await load();
    let patched: unknown;
    registry.disable();
    registry = createRegistry({
      provider: recorder.provider,
      propagation,
      diagnostics: recorder.diagnostics,
      onModule(module, patch) {
        expect(module).toBe('postgres');
        patched = patch(exports, { name: module, version: '3.4.9', kind: 'cjs' });
        return () => undefined;
      },
    });
    registry.enable([postgres()]);
    const [before, after] = [exports, patched].map((module) =>
      typeof module === 'function' ? module : (module as { default: unknown }).default,
    ) as [typeof postgresJs, typeof postgresJs];
    expect(after.camel).toBe(before.camel);
    const client = after(database.url, { max: 1 });
    await client`select * from users`;
    expect(query().resource).toBe('SELECT users');
    await client.end();
  });
});

describeInstrumentation<Sql>('postgres', {
  make: postgres,
  modules: { postgres: postgresJs },
  open: (kit) => (kit.module('postgres') as typeof postgresJs)(database.url, { max: 2, onnotice: () => undefined }),
  close: (client) => client.end(),
  cases: {
    'a query': {
      run: async (client, seen) => {
        const rows = await client`select id from users where email <> ${'x'} order by id`;
        seen.caller('after the query');
        return rows.map((row) => row['id'] as number);
      },
      spans: ['db.query SELECT users'],
      tags: {
        'db.query SELECT users': {
          operation: 'SELECT',
          table: 'users',
          query: 'select id from users where email <> $1 order by id',
          rows: 3,
        },
      },
    },
    'a query that fails': {
      run: (client) => client`insert into users values (${1}, 'again')`,
      spans: ['db.query INSERT users'],
      fails: ['db.query INSERT users'],
      tags: { 'db.query INSERT users': { 'db.error_code': '23505' } },
    },
    'a transaction with a savepoint': {
      run: (client, seen) =>
        client.begin(async (tx) => {
          seen.caller('in the transaction');
          await tx`update users set email = 'x' where id = 1`;
          const [row] = await tx.savepoint((inner) => inner`select email from users where id = 1`);
          await tx`update users set email = 'ann@example.com' where id = 1`;
          return row?.['email'] as string;
        }),
      spans: ['db.query UPDATE users', 'db.query SELECT users', 'db.query UPDATE users'],
    },
    'a cursor': {
      run: async (client, seen) => {
        const batches: number[] = [];
        await client`select id from users order by id`.cursor(2, (rows) => {
          seen.caller('in the cursor');
          batches.push(rows.length);
        });
        for await (const rows of client`select id from users order by id`.cursor(2)) batches.push(rows.length);
        return batches;
      },
      spans: ['db.query SELECT users', 'db.query SELECT users'],
      tags: { 'db.query SELECT users': { rows: 3 } },
    },
    'rows one by one': {
      run: async (client, seen) => {
        const ids: number[] = [];
        await client`select id from users order by id`.forEach((row) => {
          seen.caller('in forEach');
          ids.push(row['id'] as number);
        });
        return ids;
      },
      spans: ['db.query SELECT users'],
    },
    'queries that wait for a connection': {
      run: async (client) => {
        const results = await Promise.all([1, 2, 3, 4].map((n) => client`select ${n}::int as n`));
        return results.map(([row]) => row?.['n'] as number);
      },
      spans: ['db.query SELECT', 'db.query SELECT', 'db.query SELECT', 'db.query SELECT'],
    },
    'COPY out': {
      run: async (client) => {
        const stream = await client`copy (select id from users order by id) to stdout`.readable();
        let text = '';
        for await (const chunk of stream) text += String(chunk);
        return text;
      },
      spans: ['db.query COPY SELECT users'],
    },
    'a reserved connection': {
      run: async (client) => {
        const reserved = await client.reserve();
        try {
          return [...(await reserved`select id from users where id = 2`)];
        } finally {
          reserved.release();
        }
      },
      spans: ['db.query SELECT users'],
    },
  },
});
