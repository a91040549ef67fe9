import fc from 'fast-check';
import { expect, it } from 'vitest';
import { MessageReader } from './message-reader.ts';

it('hands over the same messages however the bytes are cut', () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.integer({ min: 65, max: 90 }), fc.uint8Array({ maxLength: 40 })), { maxLength: 12 }),
      fc.array(fc.integer({ min: 1, max: 30 }), { minLength: 1 }),
      (messages, cuts) => {
        const bytes = Buffer.concat(
          messages.map(([type, body]) => {
            const head = Buffer.alloc(5);
            head[0] = type;
            head.writeUInt32BE(body.length + 4, 1);
            return Buffer.concat([head, body]);
          }),
        );
        const read: [number, number[]][] = [];
        const reader = new MessageReader();
        for (let at = 0, i = 0; at < bytes.length; i++) {
          const size = cuts[i % cuts.length];
          reader.push(bytes.subarray(at, at + size), (type, body) => read.push([type, [...body]]));
          at += size;
        }
        expect(read).toEqual(messages.map(([type, body]) => [type, [...body]]));
      },
    ),
  );
});
