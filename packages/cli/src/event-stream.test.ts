import fc from 'fast-check';
import { expect, it } from 'vitest';
import { readEvents } from './event-stream.ts';

async function read(chunks: Uint8Array[]): Promise<[string, string][]> {
  const body = new ReadableStream<Uint8Array>({
    start(controller) {
      for (const chunk of chunks) controller.enqueue(chunk);
      controller.close();
    },
  });
  const events: [string, string][] = [];
  for await (const { event, data } of readEvents(body)) events.push([event, data]);
  return events;
}

it('reads events wherever the pieces end, within characters too', async () => {
  const text = ': live\n\nevent: trace\ndata: {"name":"Größe 注文"}\n\n: still here\n\ndata: a\ndata: b\n\n';
  const bytes = new TextEncoder().encode(text);
  await fc.assert(
    fc.asyncProperty(fc.array(fc.nat(bytes.length), { maxLength: 10 }), async (cuts) => {
      const ends = [0, ...cuts.sort((a, b) => a - b), bytes.length];
      const chunks = ends.slice(1).map((end, i) => bytes.slice(ends[i], end));
      expect(await read(chunks)).toEqual([
        ['trace', '{"name":"Größe 注文"}'],
        ['message', 'a\nb'],
      ]);
    }),
  );
});
