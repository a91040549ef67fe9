import { activeContext, spanOf } from '@forge/core';
import { createRecorder } from '@forge/testing';
import { expect, it } from 'vitest';
import type { InstrumentationHost } from './contract.ts';
import { createRegistry } from './registry.ts';
import { runInSpan } from './run-in-span.ts';

const recorder = createRecorder();
let host!: InstrumentationHost;
createRegistry({
  provider: recorder.provider,
  diagnostics: recorder.diagnostics,
  propagation: { inject: () => undefined, extract: (c) => c, respond: () => undefined, heed: () => undefined },
}).enable([{ name: 'x', supports: [], enable: (given) => ((host = given), () => undefined) }]);

it.each<[string, () => unknown]>([
  ['a value', () => 5],
  ['a promise', () => Promise.resolve(5)],
])('gives back %s, with the outcome in the span', async (_what, fn) => {
  recorder.clear();
  const span = host.tracer.start('work');
  const result = runInSpan(host, span, activeContext(), fn, (s, value) => s.set('result', value as number));
  expect(await result).toBe(5);
  expect(recorder.tags(recorder.only('work'))).toEqual({ result: 5 });
});

it.each([
  [
    'throws',
    () => {
      throw new Error('no');
    },
  ],
  ['rejects', () => Promise.reject(new Error('no'))],
])('records the error of what %s, and passes it on', async (_what, fn) => {
  recorder.clear();
  const span = host.tracer.start('work');
  await expect(async () => runInSpan<unknown>(host, span, activeContext(), fn)).rejects.toThrow('no');
  expect(recorder.only('work')).toMatchObject({ status: 2, statusMessage: 'no' });
});

it('awaits a lazy thenable within the span', async () => {
  recorder.clear();
  const span = host.tracer.start('work');
  class Lazy {
    // eslint-disable-next-line unicorn/no-thenable -- what query builders do
    then(resolve: (value: unknown) => void): void {
      resolve(spanOf(activeContext()));
    }
  }
  const awaited = runInSpan(host, span, activeContext(), () => new Lazy());
  expect(await awaited).toBe(span);
});
