import fc from 'fast-check';
import { parse, stringify } from 'smol-toml';
import { describe, expect, it } from 'vitest';
import { linesOfKeys } from './toml-lines.ts';

function lineOf(toml: string, ...path: (string | number)[]): number | undefined {
  return linesOfKeys(toml).get(JSON.stringify(path));
}

describe('linesOfKeys', () => {
  it('finds keys below headers, dotted keys and quoted keys', () => {
    const toml = ['top = 1', '', '[a.b] # comment', 'c = 2', 'd."e.f" = 3', "'g' = 4", '[ x . "y z" ]', 'q = 1'].join(
      '\n',
    );
    expect(lineOf(toml, 'top')).toBe(1);
    expect(lineOf(toml, 'a', 'b')).toBe(3);
    expect(lineOf(toml, 'a', 'b', 'c')).toBe(4);
    expect(lineOf(toml, 'a', 'b', 'd', 'e.f')).toBe(5);
    expect(lineOf(toml, 'a', 'b', 'g')).toBe(6);
    expect(lineOf(toml, 'x', 'y z', 'q')).toBe(8);
  });

  it('is not misled by what stands in strings, lists and comments', () => {
    const toml = [
      'a = """',
      'fake = 1',
      '[fake]',
      '"""',
      "b = '''",
      'fake = "',
      "''''",
      'c = [ # ] fake = 1',
      '  "]", { d = "}" },',
      ']',
      'e = "\\"#" # fake = "',
      'f = 1',
    ].join('\r\n');
    expect(parse(toml)).toHaveProperty('f', 1);
    expect(Object.fromEntries(linesOfKeys(toml))).toEqual({
      '["a"]': 1,
      '["b"]': 5,
      '["c"]': 8,
      '["e"]': 11,
      '["f"]': 12,
    });
  });

  it('counts repeated tables, also below one another', () => {
    const toml = ['[[a]]', 'x = 1', '[[a]]', 'x = 2', '[[a.b]]', 'y = 1', '[a.c]', 'z = 1'].join('\n');
    expect(lineOf(toml, 'a', 0, 'x')).toBe(2);
    expect(lineOf(toml, 'a', 1, 'x')).toBe(4);
    expect(lineOf(toml, 'a', 1, 'b', 0, 'y')).toBe(6);
    expect(lineOf(toml, 'a', 1, 'c', 'z')).toBe(8);
  });

  it('finds every key of any document on a line that names it', () => {
    const name = fc.oneof(fc.stringMatching(/^[a-z_-]{1,6}$/), fc.string({ minLength: 1, maxLength: 4 }));
    const leaf = fc.oneof(fc.string(), fc.integer(), fc.boolean(), fc.array(fc.string(), { maxLength: 3 }));
    const document = fc.letrec((tie) => ({
      table: fc.dictionary(
        name,
        fc.oneof({ depthSize: 'small' }, leaf, tie('table'), fc.array(tie('table'), { maxLength: 2 })),
        {
          maxKeys: 4,
        },
      ),
    })).table;
    fc.assert(
      fc.property(document, (values) => {
        const toml = stringify(values);
        const texts = toml.split('\n');
        const lines = linesOfKeys(toml);
        for (const path of keyPaths(parse(toml))) {
          const line = lines.get(JSON.stringify(path));
          expect(line, `${JSON.stringify(path)} in ${toml}`).toBeDefined();
          const key = [...path].reverse().find((part) => typeof part === 'string') ?? '';
          const text = texts[(line ?? 0) - 1] ?? '';
          expect(text.includes(key) || text.includes(JSON.stringify(key)) || /["']/.test(text)).toBe(true);
        }
      }),
    );
  });
});

/** All paths that end in a key with a plain value. */
function keyPaths(value: unknown, path: (string | number)[] = []): (string | number)[][] {
  if (Array.isArray(value) && value.length > 0 && value.every((item) => typeof item === 'object')) {
    return value.flatMap((item, i) => keyPaths(item, [...path, i]));
  }
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
    return Object.entries(value).flatMap(([name, inner]) => keyPaths(inner, [...path, name]));
  }
  return [path];
}
