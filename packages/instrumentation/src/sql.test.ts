import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { array, assert, constant, constantFrom, oneof, property, string } from 'fast-check';
import { createSqlDescriber, describeSql } from './sql.ts';

interface Case {
  readonly name: string;
  readonly input: { readonly query: string };
  readonly expected: { readonly 'db.query.text': readonly string[]; readonly 'db.query.summary': string };
}

// OpenTelemetry's published cases, where they are at hand; the tests beside this one cover the same ground.
const file = [process.env['FORGE_SHARED_TRACES'], join(import.meta.dirname, '../../../../shared/traces')]
  .filter((folder) => folder !== undefined)
  .map((folder) => join(folder, 'sql-sanitizing-cases.json'))
  .find((path) => existsSync(path));

const cases = file === undefined ? [] : (JSON.parse(readFileSync(file, 'utf8')) as Case[]);
const missing =
  file === undefined ? ' (missing here: set FORGE_SHARED_TRACES to the folder of sql-sanitizing-cases.json)' : '';

describe.skipIf(missing)(`the published sanitizing cases${missing}`, () => {
  it.each(cases)('$name comes out as published', ({ input, expected }) => {
    const { query, summary } = describeSql(input.query);
    expect(expected['db.query.text']).toContain(query);
    expect(summary).toBe(expected['db.query.summary']);
  });
});

describe('the sanitized text', () => {
  const query = (text: string) => describeSql(text).query;

  it.each([
    ['strings', "select 'a', 'it''s', '', 'x'", 'select ?, ?, ?, ?'],
    ['strings with escapes', String.raw`select E'it\'s', e'\\', 1`, 'select ?, ?, ?'],
    ['a backslash in a plain string, which escapes nothing', String.raw`select 'c:\', name`, 'select ?, name'],
    ['prefixed strings', `select U&'d\\0061t', B'101', x'1F', N'n', bx from t`, 'select ?, ?, ?, ?, bx from t'],
    ['dollar quotes', 'select $$a $1 secret$$, $fn$ $$inner$$ $fn$, $1', 'select ?, ?, $1'],
    ['a string that is never closed', "select 'secret , x from y", 'select ?'],
    ['a dollar quote that is never closed', 'do $x$ secret $y$ more', 'do ?'],
    ['a name that is never closed', 'select "secret from y', 'select ?'],
    ['numbers', 'select 1, -2.5, +.5, 1e-5, 1_000, 0xFF, 0b11, 7up', 'select ?, ?, ?, ?, ?, ?, ?, ?'],
    ['numbers beside operators', "data->'key'->>2, a-1, a - 1, x[1:2]", 'data->?->>?, a?, a - ?, x[?:?]'],
    ['casts', "'1'::int, x::varchar(3)", '?::int, x::varchar(?)'],
  ])('has no %s', (_what, text, expected) => {
    expect(query(text)).toBe(expected);
  });

  it.each([
    ['line comments', 'select a -- ann@example.com\nfrom t --end', 'select a \nfrom t '],
    ['block comments, nested ones too', 'select /* a /* b */ secret */ x', 'select  x'],
    ['a comment that is never closed', 'select x /* secret */ /* more', 'select x  '],
  ])('has no %s', (_what, text, expected) => {
    expect(query(text)).toBe(expected);
  });

  it('keeps words apart that only a comment separated', () => {
    expect(query('select/*x*/a from/**/t where a=$1/**/or b')).toBe('select a from t where a=$1 or b');
    expect(query("select/**/'x'")).toBe('select ?');
  });

  it('keeps parameters, quoted names and the layout', () => {
    const text = 'SELECT "a""b", `c`\n\tFROM "public"."users"  WHERE id = $12 AND x = :name AND y = ?';
    expect(query(text)).toBe(text);
  });

  it('makes one of a list, however long', () => {
    expect(query('x in (1,2, 3)')).toBe('x in (?)');
    expect(query("x NOT IN ( 'a' , 'b' ) and y in (4)")).toBe('x NOT IN ( ? ) and y in (?)');
    expect(query('x in (1, 2, y, 3)')).toBe('x in (?, y, ?)');
    expect(query('x in ($1, $2)')).toBe('x in ($1, $2)');
    expect(query('f(1, 2)')).toBe('f(?, ?)');
  });

  it('is cut at 2,048 characters, and not at the last allowed one', () => {
    const just = `select ${'a'.repeat(2041)}`;
    expect(query(just)).toBe(just);
    const over = query(`select ${'a'.repeat(2042)}`);
    expect(over).toHaveLength(2048);
    expect(over.endsWith('aaa...')).toBe(true);
    expect(query(`insert into t values ${'(1, 2),'.repeat(100_000)}`)).toHaveLength(2048);
  });

  it('may be as long as the whole literal is, and is not', () => {
    expect(query(`insert into t values ('${'x'.repeat(5_000_000)}')`)).toBe('insert into t values (?)');
  });
});

describe('operation, table and resource', () => {
  it.each([
    ['select * from users where id = 1', 'SELECT', 'users', 'SELECT users'],
    [
      'insert into "orders" ("id") values ($1) on conflict (id) do update set a = 1 returning *',
      'INSERT',
      'orders',
      'INSERT orders',
    ],
    [
      'UPDATE ONLY public.users AS u SET a = 1 FROM "Other Table" o WHERE true',
      'UPDATE',
      'public.users',
      'UPDATE public.users Other Table',
    ],
    ['delete from a using b, c where a.id = b.id', 'DELETE', 'a', 'DELETE a b c'],
    [
      'merge into a using b on a.id = b.id when matched then update set x = 1 when not matched then insert values (1)',
      'MERGE',
      'a',
      'MERGE a b',
    ],
    [
      'with x as (select * from a), y (n) as not materialized (select 1 from x) select * from y join b using (id)',
      'SELECT',
      'a',
      'SELECT a SELECT SELECT b',
    ],
    ['with recursive t as (select 1 union all select n from t) delete from d', 'DELETE', 'd', 'SELECT SELECT DELETE d'],
    [
      'with i as (insert into orders values (1) returning *) select * from i',
      'SELECT',
      'orders',
      'INSERT orders SELECT',
    ],
    ['insert into t (a) with x as (select 1) select * from x, z', 'INSERT', 't', 'INSERT t SELECT SELECT z'],
    ['(select 1 from a) union distinct (select 2 from b)', 'SELECT', 'a', 'SELECT a SELECT b'],
    ['select 1 from a union all select 2 from b', 'SELECT', 'a', 'SELECT a SELECT b'],
    ['select * from a where id in (select id from b) for update of a', 'SELECT', 'a', 'SELECT a SELECT b'],
    [
      'select * from generate_series(1, 3) g, lateral (select * from only c) x, unnest($1)',
      'SELECT',
      'c',
      'SELECT SELECT c',
    ],
    [
      'select extract(year from ts), a is distinct from b, substring(x from 2) from t order by a, b',
      'SELECT',
      't',
      'SELECT t',
    ],
    [
      'select x as from_, y as "join", z.select from (a join b on a.i = b.i) where c = :from',
      'SELECT',
      'a',
      'SELECT a b',
    ],
    ['select * from (values (a), (b)) v, t', 'SELECT', 't', 'SELECT t'],
    ['select $1::int', 'SELECT', undefined, 'SELECT'],
    ['create unlogged table if not exists s.t as select * from u', 'CREATE', 's.t', 'CREATE TABLE s.t SELECT u'],
    ['create unique index concurrently if not exists i on t (a)', 'CREATE', 't', 'CREATE INDEX i t'],
    ['create index on t (a)', 'CREATE', 't', 'CREATE INDEX t'],
    [
      'create or replace function f(a int) returns int as $$ select secret from t $$ language sql',
      'CREATE',
      undefined,
      'CREATE FUNCTION f',
    ],
    [
      'create trigger g before insert or update on t for each row execute function f()',
      'CREATE',
      't',
      'CREATE TRIGGER g t',
    ],
    ['drop table if exists a, b', 'DROP', 'a', 'DROP TABLE a b'],
    ['alter table only t add column c int', 'ALTER', 't', 'ALTER TABLE t'],
    ["alter role ann password 'secret'", 'ALTER', undefined, 'ALTER ROLE ann'],
    ['truncate table a, b cascade', 'TRUNCATE', 'a', 'TRUNCATE a b'],
    ['copy t (a, b) from stdin', 'COPY', 't', 'COPY t'],
    ['copy (select * from t) to stdout', 'COPY', 't', 'COPY SELECT t'],
    ['explain (analyze, verbose) select * from t', 'EXPLAIN', 't', 'EXPLAIN SELECT t'],
    ['declare c cursor for select * from t', 'DECLARE', 't', 'DECLARE SELECT t'],
    ['fetch 10 from c', 'FETCH', undefined, 'FETCH'],
    ['begin; insert into a values (1); commit', 'BEGIN', 'a', 'BEGIN INSERT a COMMIT'],
    ['(select 1 from a) order by 1 limit 2', 'SELECT', 'a', 'SELECT a'],
    ['call p(1)', 'CALL', undefined, 'CALL p'],
    ['grant select, insert on t to u', 'GRANT', undefined, 'GRANT'],
    ['values (1), (2)', 'VALUES', undefined, 'VALUES'],
    ['table users', 'TABLE', 'users', 'TABLE users'],
    ["set x = 'y'", 'SET', undefined, 'SET'],
    ['', undefined, undefined, ''],
    [' ; ', undefined, undefined, ''],
    ["'x'", undefined, undefined, ''],
  ])('of %s', (text, operation, table, resource) => {
    const described = describeSql(text);
    expect({ operation: described.operation, table: described.table, resource: described.resource }).toEqual({
      operation,
      table,
      resource,
    });
  });

  it('writes verbs in upper case in the resource and as they came in the summary', () => {
    const { summary, resource } = describeSql('seLect * from Users');
    expect([summary, resource]).toEqual(['seLect Users', 'SELECT Users']);
  });

  it('names whole tables only, within 255 characters', () => {
    const { summary } = describeSql(`select * from ${Array.from({ length: 100 }, (_, i) => `table_${i}`).join(', ')}`);
    expect(summary.length).toBeLessThanOrEqual(255);
    expect(summary.endsWith(' table_27')).toBe(true);
  });

  it('survives parentheses without end', () => {
    expect(describeSql(`select ${'('.repeat(100_000)} from a`).operation).toBe('SELECT');
    expect(describeSql(`select ${'('.repeat(80)}1${')'.repeat(80)} from a`).resource).toBe('SELECT a');
  });
});

describe('the memory of statements', () => {
  it('gives the same object for the same text', () => {
    expect(describeSql('select 1 from same')).toBe(describeSql('select 1 from same'));
  });

  it('is bounded and keeps what is in use', () => {
    const describer = createSqlDescriber({ maxStatements: 100 });
    const inUse = describer('select used from t');
    const forgotten = describer('select forgotten from t');
    for (let i = 0; i < 1000; i++) {
      describer(`select c${i} from t`);
      expect(describer('select used from t')).toBe(inUse);
    }
    expect(describer('select forgotten from t')).not.toBe(forgotten);
  });
});

describe('whatever the text', () => {
  const secret = 'S3CR3Tx';
  const literal = oneof(
    constant(`'${secret}'`),
    constant(`E'\\'${secret}'`),
    constant(`$$${secret}$$`),
    constant(`$t$ ' ${secret} $t$`),
    constant(`'a''${secret}'`),
    constant(`-- ${secret}\n`),
    constant(`/* ${secret} /* */ ' */`),
    constant(`1${secret}`),
  );
  const other = constantFrom(
    'select',
    ' ',
    ',',
    '(',
    ')',
    'from',
    't',
    '"q"',
    '$1',
    '-',
    '.',
    'in',
    '::',
    ';',
    '\n',
    'e',
    '*',
    '+',
    '/',
    '=',
    'with',
    'as',
  );

  it('no literal is ever shown, and nothing throws', () => {
    assert(
      property(array(oneof(other, literal), { maxLength: 30 }), (parts) => {
        // Blanks between the parts: glued together, two of them may be something else than was meant.
        const described = describeSql(parts.join(' '));
        expect(JSON.stringify(described)).not.toContain(secret);
      }),
      { numRuns: 2000 },
    );
    assert(
      property(string({ unit: 'binary' }), (text) => {
        expect(describeSql(text).query.length).toBeLessThanOrEqual(2048);
      }),
    );
  });
});
