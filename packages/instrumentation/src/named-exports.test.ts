import { expect, it } from 'vitest';
import { replaceNamed } from './named-exports.ts';

const one = (): number => 1;
const wrappers = { one: (original: typeof one) => () => original() + 10, missing: () => () => 0 };

it('replaces exports in place where they can be changed, and puts them back', () => {
  const exports = { one, other: 2 };
  const replaced = replaceNamed(exports, wrappers);
  expect(replaced.exports).toBeUndefined();
  expect(exports.one()).toBe(11);
  expect(Object.keys(exports)).toEqual(['one', 'other']);
  replaced.undo();
  expect(exports.one).toBe(one);
});

it('replaces them in a copy where they refuse', () => {
  const exports = Object.defineProperty({ other: 2 }, 'one', { get: () => one, enumerable: true });
  const copy = replaceNamed(exports, wrappers).exports as { one: typeof one; other: number };
  expect([copy.one(), copy.other]).toEqual([11, 2]);
  expect((exports as unknown as typeof copy).one).toBe(one);
});
