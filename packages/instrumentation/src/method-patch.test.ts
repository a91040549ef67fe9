import { expect, it } from 'vitest';
import { patchMethod } from './method-patch.ts';

class Library {
  greet(name: string): string {
    return `hello ${name}`;
  }
}

const louder = (original: (...args: never[]) => unknown) => (name: string) =>
  `${String(Reflect.apply(original, undefined, [name]))}!`;

it('replaces a method, keeping its name and length, and puts the same descriptor back', () => {
  const before = Object.getOwnPropertyDescriptors(Library.prototype);
  const undo = patchMethod(Library.prototype, 'greet', louder);
  expect(new Library().greet('ann')).toBe('hello ann!');
  expect([Library.prototype.greet.name, Library.prototype.greet.length]).toEqual(['greet', 1]);
  undo();
  expect(Object.getOwnPropertyDescriptors(Library.prototype)).toEqual(before);
});

it('on an instance leaves the class alone', () => {
  const one = new Library();
  const undo = patchMethod(one, 'greet', louder);
  expect([one.greet('ann'), new Library().greet('ann')]).toEqual(['hello ann!', 'hello ann']);
  undo();
  expect(Object.keys(one)).toEqual([]);
});

it('does not undo what somebody else did since', () => {
  const one = new Library();
  const undo = patchMethod(one, 'greet', louder);
  const theirs = (): string => 'theirs';
  one.greet = theirs;
  undo();
  expect(one.greet).toBe(theirs);
});

it('leaves what is no method alone', () => {
  const object = { value: 1 };
  patchMethod(object, 'value', louder)();
  patchMethod(object, 'missing', louder)();
  expect(object).toEqual({ value: 1 });
});
