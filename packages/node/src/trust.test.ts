import { expect, it } from 'vitest';
import { trustOf } from './trust.ts';

const sender = (peer: string | undefined) => ({ peer, way: 'request' as const, header: () => undefined });

it('trusts everybody, nobody, or the named hosts', () => {
  expect(trustOf(true)(sender('grpc://anywhere:1'))).toBe(true);
  expect(trustOf(false)(sender('grpc://10.0.0.1:1'))).toBe(false);
  const some = trustOf(['10.0.0.1', 'worker']);
  expect(some(sender('grpc://10.0.0.1:50051'))).toBe(true);
  expect(some(sender('worker'))).toBe(true);
  expect(some(sender('grpc://10.0.0.11:50051'))).toBe(false);
  expect(some(sender(undefined))).toBe(false);
});
