import { expect, it } from 'vitest';
import { sqlErrorCode } from './sql-error.ts';

it('the code is a string or nothing, whatever was thrown', () => {
  const broken = new Proxy(new Error('x'), {
    get() {
      throw new Error('no');
    },
  });
  expect(sqlErrorCode(Object.assign(new Error('x'), { code: '57014' }))).toBe('57014');
  expect(sqlErrorCode({ code: 5 })).toBeUndefined();
  expect(sqlErrorCode(undefined)).toBeUndefined();
  expect(sqlErrorCode(broken)).toBeUndefined();
});
