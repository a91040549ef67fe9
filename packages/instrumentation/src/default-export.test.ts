import { describe, expect, it } from 'vitest';
import { replaceDefault } from './default-export.ts';

const original = (): string => 'original';
const wrap = (fn: typeof original) => (): string => `wrapped ${fn()}`;

describe('the default export', () => {
  it('of CommonJS is what is returned', () => {
    const { exports } = replaceDefault(original, wrap);
    expect((exports as typeof original)()).toBe('wrapped original');
  });

  it('of a namespace that can be changed is replaced in place, and put back', () => {
    const namespace = { default: original, other: 1 };
    const { exports, undo } = replaceDefault(namespace, wrap);
    expect(exports).toBeUndefined();
    expect(namespace.default()).toBe('wrapped original');
    undo();
    expect(namespace.default).toBe(original);
  });

  it('of a namespace that refuses is replaced in a copy', () => {
    const namespace = Object.freeze({ default: original, other: 1 });
    const { exports } = replaceDefault(namespace, wrap);
    const replaced = exports as typeof namespace;
    expect([replaced.default(), replaced.other]).toEqual(['wrapped original', 1]);
    expect(namespace.default).toBe(original);
  });

  it.each([[undefined], [null], [{}], [{ default: 1 }]])('is left alone where there is none: %j', (exports) => {
    expect(replaceDefault(exports, wrap).exports).toBeUndefined();
  });
});
