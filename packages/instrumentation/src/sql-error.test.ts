import { describe, expect, it } from 'vitest';
import { recordableSqlError, sqlErrorCode } from './sql-error.ts';

function sqlError(code: string, message: string): Error {
  return Object.assign(new Error(message), { name: 'PostgresError', code });
}

describe('what a span records of a database error', () => {
  it.each([
    ['22P02', 'invalid input syntax for type integer: "s3cret"', 'invalid input syntax for type integer: "?"'],
    ['22P02', 'invalid input syntax for type uuid: "a"s3cret"b"', 'invalid input syntax for type uuid: "?"'],
    ['22003', 'value "s3cret" is out of range for type integer', 'value "?" is out of range for type integer'],
    ['22021', 'invalid byte sequence for encoding "UTF8": 0xff 0xAB', 'invalid byte sequence for encoding "?": ? ?'],
    ['42601', 'syntax error at or near "s3cret"', 'syntax error at or near "?"'],
    ['22P02', 'costs "$&"', 'costs "?"'],
  ])('has no value of the query: %s %s', (code, message, expected) => {
    const recorded = recordableSqlError(sqlError(code, message)) as Error;
    expect(recorded).toMatchObject({ name: 'PostgresError', code, message: expected });
    expect(recorded.stack).toContain(`Error: ${expected}\n`);
    expect(recorded.stack).not.toContain('s3cret');
  });

  it('is the error itself where its message names no value', () => {
    const error = sqlError('23505', 'duplicate key value violates unique constraint "users_email_key"');
    expect(recordableSqlError(error)).toBe(error);
    expect(recordableSqlError('a string')).toBe('a string');
    expect(recordableSqlError(null)).toBeNull();
  });

  it('survives an error that cannot be read', () => {
    const broken = new Proxy(new Error('x'), {
      get() {
        throw new Error('no');
      },
    });
    expect(recordableSqlError(broken)).toMatchObject({ message: 'a database error that cannot be read' });
    expect(sqlErrorCode(broken)).toBeUndefined();
  });
});

it('the code is a string or nothing', () => {
  expect(sqlErrorCode(sqlError('57014', 'x'))).toBe('57014');
  expect(sqlErrorCode({ code: 5 })).toBeUndefined();
  expect(sqlErrorCode(undefined)).toBeUndefined();
});
