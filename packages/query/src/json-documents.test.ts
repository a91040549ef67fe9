import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { jsonDocuments, type SplitLimits } from './json-documents.ts';

/** Splits `text`, given in pieces that end at `cuts`. */
async function split(text: string, limits: SplitLimits = {}, cuts: readonly number[] = []): Promise<string[]> {
  const bytes = Buffer.from(text);
  const ends = [0, ...cuts.map((cut) => cut % (bytes.length + 1)).sort((a, b) => a - b), bytes.length];
  async function* chunks() {
    for (let i = 1; i < ends.length; i++) yield bytes.subarray(ends[i - 1], ends[i]);
  }
  const documents: string[] = [];
  for await (const document of jsonDocuments(chunks(), limits)) documents.push(document);
  return documents;
}

const cuts = fc.array(fc.nat(10_000), { maxLength: 12 });
const spaces = fc.constantFrom('', ' ', '\n  ');
// Strings that look like structure, and characters of several bytes.
const text = fc.oneof(
  fc.string({ unit: 'grapheme', maxLength: 8 }),
  fc.constantFrom('"', '\\', '],[', '{"data":[', '\\"', '注文'),
);
const value = fc.oneof(
  { maxDepth: 3 },
  fc.integer(),
  fc.boolean(),
  fc.constant(null),
  text,
  fc.array(text, { maxLength: 3 }),
  fc.dictionary(text, fc.array(text, { maxLength: 2 }), { maxKeys: 3 }),
);
const members = fc.array(value, { maxLength: 12 });
const piece = fc.constantFrom(1, 20, 1000);

describe('any document comes out meaning the same', () => {
  it('a list, in lists of some members', async () => {
    await fc.assert(
      fc.asyncProperty(members, cuts, piece, spaces, async (list, at, pieceBytes, space) => {
        const documents = await split(space + JSON.stringify(list, undefined, space), { pieceBytes }, at);
        expect(documents.flatMap((document) => JSON.parse(document) as unknown[])).toEqual(list);
      }),
    );
  });

  it.each(['resourceSpans', 'resource_spans', 'data'])(
    'an object whose %s is a list, in objects of some members',
    async (key) => {
      await fc.assert(
        fc.asyncProperty(members, value, cuts, piece, async (list, other, at, pieceBytes) => {
          const documents = await split(JSON.stringify({ other, [key]: list, after: other }), { pieceBytes }, at);
          const parsed = documents.map((document) => JSON.parse(document) as Record<string, unknown[]>);
          expect(parsed.flatMap((document) => document[key])).toEqual(list);
          expect(parsed.every((document) => Object.keys(document).join() === key)).toBe(true);
        }),
      );
    },
  );

  it('objects without such a list, whole, also several after each other', async () => {
    const object = fc.dictionary(fc.constantFrom('traceID', 'spans', 'a'), value, { minKeys: 1 });
    await fc.assert(
      fc.asyncProperty(
        fc.array(object, { minLength: 1, maxLength: 4 }),
        cuts,
        fc.constantFrom('', '\n', ' \r\n'),
        async (objects, at, between) => {
          const documents = await split(objects.map((one) => JSON.stringify(one)).join(between), {}, at);
          expect(documents.map((document) => JSON.parse(document) as unknown)).toEqual(objects);
        },
      ),
    );
  });
});

it('hands out a list member by member where pieces are that short, together where they are long', async () => {
  expect(await split('[1,[2],"3"]', { pieceBytes: 1 })).toEqual(['[1]', '[[2]]', '["3"]']);
  expect(await split('[1,[2],"3"]')).toEqual(['[1,[2],"3"]']);
});

it('takes a byte order mark, and nothing at all', async () => {
  expect(await split('\ufeff[1]')).toEqual(['[1]']);
  expect(await split('')).toEqual([]);
  expect(await split('[]')).toEqual([]);
});

it.each([
  ['[1, 2', 'the document ends early'],
  ['{"data":[{"a":1}', 'the document ends early'],
  ['{"a":"', 'the document ends early'],
  ['hello', 'neither an object nor a list, at byte 0'],
  ['[1] 7', 'neither an object nor a list, at byte 4'],
  ['"text"', 'neither an object nor a list'],
  ['[1]]', 'never opened, at byte 3'],
])('refuses %s', async (document, reason) => {
  await expect(split(document)).rejects.toThrow(reason);
});

it('bounds what one member may hold, however it arrives', async () => {
  const long = JSON.stringify([1, 'x'.repeat(1000)]);
  const bytewise = Array.from({ length: long.length }, (_, i) => i);
  await expect(split(long, { maxElementBytes: 999 }, bytewise)).rejects.toThrow('longer than 999 bytes');
  expect(await split(long, { maxElementBytes: 1100 }, bytewise)).toEqual([long]);
});
